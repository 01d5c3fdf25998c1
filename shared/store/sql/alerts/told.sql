-- What each channel was told of the alerts that fire, and whether that message was given up.
select
  known.alert_id::int8, known.channel_id::int8, known.told_level::text,
  (known.told_at at time zone 'UTC')::timestamp as told_at,
  exists (
    select 1 from monitoring.outbox as m
    where m.alert_id = known.alert_id and m.sequence = known.told_sequence and m.channel_id = known.channel_id
      and m.dead_at is not null
  )::bool as is_dead
from monitoring.alert_channels as known
join monitoring.alerts as a using (alert_id)
where a.state = 'firing'
