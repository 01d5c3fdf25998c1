-- Writes what became of claimed messages: $1 a list of objects. The number of the attempt is the proof of the lease: one
-- that was taken over by another run writes nothing.
update monitoring.outbox as m
   set delivered_at = case when done.outcome = 'delivered' then now() end,
       dead_at = case when done.outcome = 'dead' then now() end,
       next_attempt_at = case when done.outcome = 'retry'
         then now() + done.delay_seconds * interval '1 second' else m.next_attempt_at end,
       last_error = case when done.outcome = 'delivered' then m.last_error else done.error end,
       lease_until = null
  from pg_catalog.jsonb_to_recordset($1::jsonb) as done (
    message_id uuid, attempts int4, outcome text, delay_seconds float8, error text
  )
 where m.message_id = done.message_id and m.attempts = done.attempts and m.delivered_at is null and m.dead_at is null
   and m.lease_until is not null
