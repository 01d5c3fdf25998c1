-- Writes what became of claimed messages: $1 a list of objects. The number of the attempt is the proof of the lease: one
-- that was taken over by another run writes nothing. Of a message that is to be sent again while its alert fires, the
-- earlier ones about the same alert are not any more.
with written as (
  update monitoring.outbox as m
     set delivered_at = case when done.outcome = 'delivered' then now() end,
         dead_at = case when done.outcome = 'dead' then now() end,
         next_attempt_at = case when done.outcome = 'retry'
           then now() + done.delay_seconds * interval '1 second' else m.next_attempt_at end,
         last_error = case when done.outcome = 'delivered' then m.last_error else done.error end,
         reference = coalesce(done.reference, m.reference),
         refresh_at = now() + done.refresh_seconds * interval '1 second',
         lease_until = null
    from pg_catalog.jsonb_to_recordset($1::jsonb) as done (
      message_id uuid, attempts int4, outcome text, delay_seconds float8, refresh_seconds float8, reference text,
      error text
    )
   where m.message_id = done.message_id and m.attempts = done.attempts and m.delivered_at is null and m.dead_at is null
     and m.lease_until is not null
  returning m.alert_id, m.channel_id, m.sequence, m.delivered_at
),
overtaken as (
  update monitoring.outbox as m
     set refresh_at = null
    from written
   where written.delivered_at is not null and m.refresh_at is not null and m.alert_id = written.alert_id
     and m.channel_id = written.channel_id and m.sequence < written.sequence
  returning 1
)
select count(*)::int8 as written from written
