-- The firing alerts, worst first.
select
  a.alert_id::int8, t.name::text as target, a.rule_id::text, r.summary::text, a.subject_label::text, a.level::text,
  a.value::float8, a.threshold::float8, (a.opened_at at time zone 'UTC')::timestamp as opened_at, r.runbook::text
from monitoring.alerts as a
join monitoring.targets as t using (target_id)
join monitoring.rules as r using (rule_id)
where a.state = 'firing'
order by pg_catalog.array_position(array['emergency', 'critical', 'warning'], a.level), a.opened_at
