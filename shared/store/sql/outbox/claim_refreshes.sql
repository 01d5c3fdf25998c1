-- Claims delivered messages that are to be sent again, so that their receivers do not take the alerts for over: $1 how
-- many at most, $2 seconds until they are due again. That moves them on is what keeps others from sending them too.
--
-- What is over, or was told to be, is not sent again: the receiver then forgets it by itself.
with due as (
  select m.message_id, a.state is distinct from 'resolved' and later.sequence is null as fires
  from monitoring.outbox as m
  join monitoring.channels as c using (channel_id)
  left join monitoring.alerts as a using (alert_id)
  left join lateral (
    select o.sequence from monitoring.outbox as o
    where o.alert_id = m.alert_id and o.channel_id = m.channel_id and o.sequence > m.sequence
      and o.delivered_at is not null
    limit 1
  ) as later on true
  where m.refresh_at <= now() and c.enabled and (c.open_until is null or c.open_until <= now())
  order by m.refresh_at
  limit $1::int8
  for update of m skip locked
),
claimed as (
  update monitoring.outbox as m
     set refresh_at = case when due.fires then now() + $2::float8 * interval '1 second' end
    from due
   where m.message_id = due.message_id
  returning m.*
)
select
  claimed.message_id::text as message_id, null::text as batch_id, claimed.alert_id::int8 as alert_id,
  claimed.sequence::int8 as sequence, claimed.event::text as event, claimed.payload::jsonb as payload,
  claimed.attempts::int8 as attempts, (claimed.created_at at time zone 'UTC')::timestamp as created_at,
  claimed.reference::text as reference, channel.channel_id::int8 as channel_id, channel.name::text as channel,
  channel.kind::text as kind, channel.url::text as url, channel.secret::text as secret, channel.key::text as key,
  channel.settings::jsonb as settings, channel.timeout_seconds::int8 as timeout_seconds
from claimed
join monitoring.channels as channel using (channel_id)
where claimed.refresh_at is not null
order by channel.channel_id, claimed.created_at
