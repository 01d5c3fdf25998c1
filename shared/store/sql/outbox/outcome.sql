-- What became of a message so far: $1 its number.
select
  (m.delivered_at at time zone 'UTC')::timestamp as delivered_at, (m.dead_at at time zone 'UTC')::timestamp as dead_at,
  m.attempts::int8, m.last_error::text, m.reference::text
from monitoring.outbox as m
where m.message_id::text = $1::text
