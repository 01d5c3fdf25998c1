-- Makes messages due now: $1 their numbers, or null for all dead ones, unless $2 is null of the channel of that name.
--
-- A dead one begins anew, by itself. One that was overtaken stays as it is, by later news of its alert or by the next alert
-- of its incident: what it says is not true any more.
update monitoring.outbox as m
   set dead_at = null, next_attempt_at = now(), lease_until = null,
       attempts = case when m.dead_at is null then m.attempts else 0 end,
       batch_id = case when m.dead_at is null then m.batch_id end
  from monitoring.channels as c
 where c.channel_id = m.channel_id and m.delivered_at is null
   and (m.lease_until is null or m.lease_until <= now())
   and ($2::text is null or c.name = $2::text)
   and (case when $1::text[] is null then m.dead_at is not null else m.message_id::text = any ($1::text[]) end)
   and not exists (
     select 1 from monitoring.outbox as later
     where later.alert_id = m.alert_id and later.channel_id = m.channel_id and later.sequence > m.sequence
       and later.delivered_at is not null
   )
   and not exists (
     select 1 from monitoring.alerts as own
     join monitoring.alerts as next using (rule_id, target_id, subject)
     where own.alert_id = m.alert_id and next.alert_id > own.alert_id and next.state <> 'resolved'
   )
