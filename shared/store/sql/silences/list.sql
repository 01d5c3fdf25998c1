-- The silences that are not over, the next to end first.
select
  s.silence_id::int8, s.matchers::jsonb, (s.starts_at at time zone 'UTC')::timestamp as starts_at,
  (s.ends_at at time zone 'UTC')::timestamp as ends_at, s.reason::text,
  s.created_by::text, (s.created_at at time zone 'UTC')::timestamp as created_at,
  (s.starts_at <= now())::bool as is_active
from monitoring.silences as s
where s.ends_at > now()
order by s.ends_at, s.silence_id
