-- Messages of a state ($1: waiting, dead, delivered) and, unless $2 is null, of a channel, the newest first, $3 at most.
select
  m.message_id::text, c.name::text as channel, c.kind::text, m.alert_id::int8, m.event::text,
  (m.payload ->> 'target')::text as target, (m.payload ->> 'rule_id')::text as rule_id,
  (m.payload ->> 'subject_label')::text as subject_label, (m.created_at at time zone 'UTC')::timestamp as created_at,
  m.attempts::int8,
  (
    case when m.delivered_at is null and m.dead_at is null then m.next_attempt_at end at time zone 'UTC'
  )::timestamp as next_attempt_at,
  (m.delivered_at at time zone 'UTC')::timestamp as delivered_at, (m.dead_at at time zone 'UTC')::timestamp as dead_at,
  m.last_error::text
from monitoring.outbox as m
join monitoring.channels as c using (channel_id)
where case $1::text
    when 'waiting' then m.delivered_at is null and m.dead_at is null
    when 'dead' then m.dead_at is not null
    else m.delivered_at is not null
  end
  and ($2::text is null or c.name = $2::text)
order by m.created_at desc, m.sequence desc
limit $3::int8
