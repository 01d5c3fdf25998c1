-- Claims messages that are due: $1 how many of each channel, $2 seconds the lease lasts. A message waits until the
-- earlier ones of the same incident and channel are delivered or given up, so that no recovery overtakes what it recovers
-- from, or ends what began after it. Each channel has its share, so that one whose receiver hangs does not keep the
-- others waiting.
with due as (
  select share.message_id
  from monitoring.channels as channel
  cross join lateral (
    select m.message_id
    from monitoring.outbox as m
    where m.channel_id = channel.channel_id
      and m.delivered_at is null and m.dead_at is null and m.next_attempt_at <= now()
      and (m.lease_until is null or m.lease_until <= now())
      and not exists (
        select 1 from monitoring.outbox as earlier
        where earlier.channel_id = m.channel_id and earlier.incident = m.incident
          and (earlier.alert_id, earlier.sequence) < (m.alert_id, m.sequence)
          and earlier.delivered_at is null and earlier.dead_at is null
      )
    order by m.next_attempt_at, m.created_at
    limit $1
    for update of m skip locked
  ) as share
  where channel.enabled
),
claimed as (
  update monitoring.outbox as m
     set lease_until = now() + $2 * interval '1 second', attempts = m.attempts + 1
    from due
   where m.message_id = due.message_id
  returning m.*
)
select
  claimed.message_id::text as message_id, claimed.alert_id::int8 as alert_id, claimed.sequence::int8 as sequence,
  claimed.event::text as event, claimed.payload::jsonb as payload, claimed.attempts::int8 as attempts,
  claimed.created_at::timestamptz as created_at, channel.channel_id::int8 as channel_id, channel.name::text as channel,
  channel.kind::text as kind, channel.url::text as url, channel.secret::text as secret
from claimed
join monitoring.channels as channel using (channel_id)
order by claimed.created_at, claimed.alert_id, claimed.sequence
