-- Queues a message that tests a channel: $1 its name, $2 number of the message within the test, $3 event, $4 payload,
-- $5 what the receiver calls what it made of the one before. It belongs to no alert.
insert into monitoring.outbox (alert_id, sequence, channel_id, event, payload, reference)
select null, $2::int8, c.channel_id, $3::text, $4::jsonb, $5::text
from monitoring.channels as c
where c.name = $1::text
returning message_id::text as message_id
