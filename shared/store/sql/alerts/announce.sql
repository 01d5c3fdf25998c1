-- Tells every channel that knows of a firing alert ($1) something more about it: $2 the event, $3 what is said beside, or
-- differently from, what was told last. The alert keeps it, so that its later messages have it too.
with numbered as (
  update monitoring.alerts as a
     set sequence = a.sequence + 1,
         notification = a.notification || ($3::jsonb - 'event' - 'sequence')
   -- The row is locked by now: what was resolved meanwhile is not told of any more.
   where a.alert_id = $1 and a.state = 'firing' and a.notification is not null
  returning a.alert_id, a.sequence, a.notification
),
queued as (
  insert into monitoring.outbox (alert_id, sequence, channel_id, event, payload)
  select
    numbered.alert_id, numbered.sequence, known.channel_id, $2,
    numbered.notification || pg_catalog.jsonb_build_object(
      'event', $2::text, 'alert_id', numbered.alert_id, 'sequence', numbered.sequence, 'at', now()
    )
  from numbered
  join monitoring.alert_channels as known using (alert_id)
  join monitoring.channels as channel using (channel_id)
  where channel.enabled and known.told_level <> 'ok'
  returning 1
)
select (select count(*) from queued)::int8 as queued
