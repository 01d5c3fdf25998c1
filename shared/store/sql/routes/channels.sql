-- The channels that are switched on, and whether their receivers have been failing: a message was tried three times in vain.
select
  channel.channel_id::int8, channel.minimum_level::text,
  exists (
    select 1 from monitoring.outbox as m
    where m.channel_id = channel.channel_id and m.delivered_at is null and m.dead_at is null
      and m.attempts >= 3 and m.lease_until is null
  )::bool as is_failing
from monitoring.channels as channel
where channel.enabled
