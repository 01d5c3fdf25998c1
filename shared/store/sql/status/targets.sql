-- Every target with its state and what is open against it.
select
  t.name::text as target, t.address::text, t.enabled::bool, t.interval_seconds::int8, s.up::bool, s.error_code::text,
  s.error::text, s.server_version::int8, s.in_recovery::bool,
  (s.down_since at time zone 'UTC')::timestamp as down_since,
  (s.last_success_at at time zone 'UTC')::timestamp as last_success_at,
  (pg_catalog.date_part('epoch', now() - s.last_success_at))::float8 as success_age_seconds,
  (select count(*) from monitoring.statements as known where known.target_id = t.target_id)::int8 as statements,
  (
    select count(*) from monitoring.alerts as a where a.target_id = t.target_id and a.state = 'firing'
  )::int8 as open_alerts
from monitoring.targets as t
left join monitoring.target_state as s using (target_id)
order by t.name
