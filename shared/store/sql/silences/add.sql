-- Adds a silence: $1 matchers, $2 in how many seconds it starts, $3 how many seconds it lasts, $4 the reason, $5 who made
-- it. Silences that ended three months ago are forgotten on the way.
with forgotten as (
  delete from monitoring.silences as old where old.ends_at < now() - interval '90 days'
)
insert into monitoring.silences (matchers, starts_at, ends_at, reason, created_by)
values (
  $1::jsonb, now() + $2::float8 * interval '1 second', now() + ($2::float8 + $3::float8) * interval '1 second', $4, $5
)
returning silence_id::int8, (ends_at at time zone 'UTC')::timestamp as ends_at
