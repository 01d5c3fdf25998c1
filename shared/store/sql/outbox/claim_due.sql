-- Claims what is due: $1 how much of each channel may be under way at once, $2 how much in all, $3 seconds the lease
-- lasts, $4 the kinds that people read, $5 from how many messages on these make a storm, $6 how many of a storm leave as
-- one at most, $7 from how many failures in a row on a receiver is tried with a single message.
--
-- What is claimed is parcels: a message, or the messages of a storm. These keep their batch, so that every attempt sends
-- the same ones under the same key. A message waits until the earlier ones of the same incident and channel are delivered
-- or given up, so that no recovery overtakes what it recovers from, or ends what began after it. Each channel has its share,
-- so that one whose receiver hangs does not keep the others waiting; nothing is claimed of one that is left alone.
--
-- The row of a channel is locked while something of it is claimed: whoever comes second skips the channel.
with channel as materialized (
  select c.*
  from monitoring.channels as c
  where c.enabled and (c.open_until is null or c.open_until <= now())
    and exists (
      select 1 from monitoring.outbox as m
      where m.channel_id = c.channel_id and m.delivered_at is null and m.dead_at is null and m.next_attempt_at <= now()
    )
  for no key update of c skip locked
),
due as materialized (
  select
    channel.channel_id, share.message_id, share.batch_id, share.next_attempt_at, share.created_at,
    share.batch_id is null and share.attempts = 0 and channel.kind = any ($4::text[]) as groups
  from channel
  cross join lateral (
    select m.message_id, m.batch_id, m.attempts, m.next_attempt_at, m.created_at
    from monitoring.outbox as m
    where m.channel_id = channel.channel_id
      and m.delivered_at is null and m.dead_at is null and m.next_attempt_at <= now()
      and (m.lease_until is null or m.lease_until <= now())
      and (
        m.alert_id is null
        or (m.alert_id, m.sequence) = (
          select first.alert_id, first.sequence from monitoring.outbox as first
          where first.channel_id = m.channel_id and first.incident = m.incident
            and first.delivered_at is null and first.dead_at is null
          order by first.alert_id, first.sequence
          limit 1
        )
      )
    order by m.next_attempt_at, m.created_at
    limit 1000
  ) as share
),
storm as materialized (
  select due.channel_id, pg_catalog.gen_random_uuid() as batch_id
  from due
  where due.groups
  group by due.channel_id
  having count(*) > $5::int8
),
placed as (
  select
    due.*,
    row_number() over (partition by due.channel_id, due.groups order by due.next_attempt_at, due.created_at) as place
  from due
),
piece as materialized (
  select
    placed.channel_id, placed.message_id, placed.next_attempt_at, placed.created_at,
    coalesce(placed.batch_id, storm.batch_id) as batch_id,
    coalesce(placed.batch_id, storm.batch_id, placed.message_id) as parcel
  from placed
  left join storm on placed.groups and storm.channel_id = placed.channel_id
  where storm.batch_id is null or placed.place <= $6::int8
),
parcel as (
  select
    piece.channel_id, piece.parcel, piece.batch_id,
    row_number() over (
      partition by piece.channel_id order by min(piece.next_attempt_at), min(piece.created_at), piece.parcel
    ) as place
  from piece
  group by piece.channel_id, piece.parcel, piece.batch_id
),
chosen as (
  select parcel.parcel, parcel.batch_id
  from parcel
  join channel using (channel_id)
  cross join lateral (
    select count(distinct coalesce(m.batch_id, m.message_id)) as parcels
    from monitoring.outbox as m
    where m.channel_id = parcel.channel_id and m.delivered_at is null and m.dead_at is null and m.lease_until > now()
  ) as under_way
  where parcel.place + under_way.parcels
    <= case when channel.consecutive_failures >= $7::int8 then 1 else $1::int8 end
  order by parcel.place, parcel.parcel
  limit $2::int8
),
picked as materialized (
  select piece.message_id, piece.batch_id
  from piece
  join chosen using (parcel)
  union
  -- All of a batch, however many messages are due.
  select m.message_id, m.batch_id
  from chosen
  join monitoring.outbox as m on m.batch_id = chosen.batch_id
  where m.delivered_at is null and m.dead_at is null
),
claimed as (
  update monitoring.outbox as m
     set lease_until = now() + $3::float8 * interval '1 second', attempts = m.attempts + 1, batch_id = picked.batch_id
    from picked
   where m.message_id = picked.message_id
     -- Looked at once more: whoever had the channel before us may have claimed it since our snapshot.
     and m.delivered_at is null and m.dead_at is null and (m.lease_until is null or m.lease_until <= now())
  returning m.*
)
select
  claimed.message_id::text as message_id, claimed.batch_id::text as batch_id, claimed.alert_id::int8 as alert_id,
  claimed.sequence::int8 as sequence, claimed.event::text as event, claimed.payload::jsonb as payload,
  claimed.attempts::int8 as attempts, (claimed.created_at at time zone 'UTC')::timestamp as created_at,
  coalesce(
    claimed.reference,
    (
      select earlier.reference from monitoring.outbox as earlier
      where earlier.alert_id = claimed.alert_id and earlier.channel_id = claimed.channel_id
        and earlier.sequence < claimed.sequence and earlier.reference is not null
      order by earlier.sequence desc
      limit 1
    )
  )::text as reference,
  channel.channel_id::int8 as channel_id, channel.name::text as channel, channel.kind::text as kind,
  channel.url::text as url, channel.secret::text as secret, channel.key::text as key,
  channel.settings::jsonb as settings, channel.timeout_seconds::int8 as timeout_seconds
from claimed
join channel using (channel_id)
order by claimed.created_at, claimed.alert_id, claimed.sequence
