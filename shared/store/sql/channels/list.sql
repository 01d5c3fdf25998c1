-- All channels, by name, with what waits for each and how its receiver is doing.
select
  c.channel_id::int8, c.name::text, c.kind::text, c.url::text, c.secret::text, c.key::text, c.settings::jsonb,
  c.minimum_level::text, c.timeout_seconds::int8, c.enabled::bool, c.consecutive_failures::int8,
  (case when c.open_until > now() then c.open_until end at time zone 'UTC')::timestamp as open_until,
  c.last_error::text,
  (c.last_error_at at time zone 'UTC')::timestamp as last_error_at,
  (c.last_success_at at time zone 'UTC')::timestamp as last_success_at, coalesce(m.waiting, 0)::int8 as waiting,
  coalesce(m.dead, 0)::int8 as dead
from monitoring.channels as c
left join (
  select
    o.channel_id,
    count(*) filter (where o.dead_at is null) as waiting,
    count(*) filter (where o.dead_at is not null) as dead
  from monitoring.outbox as o
  where o.delivered_at is null
  group by o.channel_id
) as m using (channel_id)
order by c.name
