-- All rules, by name.
select
  r.rule_id::text, r.summary::text, r.metric::text, r.comparison::text, r.warning::float8, r.critical::float8,
  r.emergency::float8, r.resolve::float8, r.window_seconds::int8, r.for_seconds::int8, r.cooldown_seconds::int8,
  r.minimum_traffic::int8, r.runbook::text, r.enabled::bool
from monitoring.rules as r
order by r.rule_id
