-- All rules with the metrics that they name, by name.
select
  r.rule_id::text, r.summary::text, r.metric::text, r.aggregate::text, r.labels::jsonb, r.comparison::text,
  r.warning::float8, r.critical::float8, r.emergency::float8, r.threshold::float8, r.resolve::float8,
  r.window_seconds::int8, r.for_seconds::int8, r.cooldown_seconds::int8, r.minimum_traffic::int8, r.no_data::text,
  r.inhibited_by::text[], r.tags::jsonb, r.advice::text, r.runbook::text, r.response::text, r.response_arguments::jsonb,
  r.response_level::text, r.enabled::bool, coalesce(m.present, false)::bool as metric_is_known, m.unit::text,
  m.phrase::text, m.subject_kind::text, m.aggregates::text[], m.collector::text, m.is_generic::bool
from monitoring.rules as r
left join monitoring.metrics as m using (metric)
order by r.rule_id
