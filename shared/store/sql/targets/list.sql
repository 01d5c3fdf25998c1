-- All targets, by name.
select
  t.target_id::int8, t.name::text, t.address::text, t.secret::text, t.enabled::bool, t.labels::jsonb,
  t.interval_seconds::int8, t.timeout_ms::int8, t.kind::text
from monitoring.targets as t
order by t.name
