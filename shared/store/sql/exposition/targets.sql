-- What is known of each enabled target.
select
  t.target_id::int8, t.name::text as target, t.kind::text, t.labels::jsonb, s.up::bool, s.error_code::text,
  s.server_version::int8 as version,
  (s.server_started_at at time zone 'UTC')::timestamp as server_started_at, s.in_recovery::bool,
  (pg_catalog.date_part('epoch', now() - s.last_success_at))::float8 as success_age_seconds
from monitoring.targets as t
left join monitoring.target_state as s using (target_id)
where t.enabled
order by t.name
