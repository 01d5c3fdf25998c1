-- Alerts for people, the worst first: those that are open, or ($1) those resolved within the last so many seconds too; all
-- of them, or only one ($2).
select
  a.alert_id::int8, a.rule_id::text, t.name::text as target, a.subject::text, a.subject_label::text, a.labels::jsonb,
  a.state::text, a.level::text, a.value::float8, a.threshold::float8, (a.notification ->> 'unit')::text as unit,
  (a.pending_since at time zone 'UTC')::timestamp as pending_since,
  (a.opened_at at time zone 'UTC')::timestamp as opened_at,
  (a.resolved_at at time zone 'UTC')::timestamp as resolved_at,
  (a.no_data_since at time zone 'UTC')::timestamp as no_data_since,
  a.flapping::bool, (a.acknowledged_at at time zone 'UTC')::timestamp as acknowledged_at, a.acknowledged_by::text,
  a.acknowledged_note::text,
  a.suppressed_by::text, (a.notification ->> 'summary')::text as said, r.runbook::text,
  (now() at time zone 'UTC')::timestamp as now
from monitoring.alerts as a
join monitoring.rules as r using (rule_id)
join monitoring.targets as t using (target_id)
where a.alert_id = coalesce($2::int8, a.alert_id)
  and ($2::int8 is not null or a.state <> 'resolved' or a.resolved_at > now() - $1::float8 * interval '1 second')
order by
  pg_catalog.array_position(array['firing', 'pending', 'no_data', 'resolved'], a.state),
  pg_catalog.array_position(array['emergency', 'critical', 'warning'], a.level), a.pending_since desc
