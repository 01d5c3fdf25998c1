-- The channels that are switched on, and whether their receivers have been failing: three times in a row, or one message
-- three times.
select
  channel.channel_id::int8, channel.minimum_level::text,
  (channel.consecutive_failures >= 3 or exists (
    select 1 from monitoring.outbox as m
    where m.channel_id = channel.channel_id and m.delivered_at is null and m.dead_at is null
      and m.attempts >= 3 and m.lease_until is null
  ))::bool as is_failing
from monitoring.channels as channel
where channel.enabled
