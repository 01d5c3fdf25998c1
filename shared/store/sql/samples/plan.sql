-- What is to be read of a target ($1) now, with the last reading of each: $2 whether only what is due, $3 when its server
-- was started, which tells whether another target is of the same server.
--
-- A collector is due on the points of a grid of its interval, a tenth of it early at most. Those of the fastest interval
-- (15 s) are due whenever their target is. Of several targets on one server that answer, the one with the lowest number
-- reads what is about the server as a whole. Where another one did so after this one's last reading, that time is
-- counted: the reading is given another epoch, so that what follows it is a gap.
with reader as (
  select min(other.target_id) as target_id
  from monitoring.targets as other
  join monitoring.target_state as state using (target_id)
  where other.enabled and state.up and state.server_started_at = $3::timestamptz and other.target_id < $1::int4
    and state.last_success_at > now() - greatest(120, 5 * other.interval_seconds) * interval '1 second'
),
-- When others last counted something of this server: asked by the one that reads for it, and by nobody else, as it looks
-- at the readings of all.
counted as (
  select other.collector, max(other.taken_at) as taken_at
  from monitoring.target_state as state
  join monitoring.counter_snapshots as other using (target_id)
  where (select reader.target_id from reader) is null
    and state.server_started_at = $3::timestamptz and state.target_id <> $1::int4
    -- A first reading counts nothing.
    and other.version > 1
  group by other.collector
),
planned as (
  select
    c.collector_id, c.collector, c.columns,
    case when c.scope = 'instance' then (select t.name from reader join monitoring.targets as t using (target_id)) end as read_by,
    c.scope = 'instance' as is_of_server,
    case
      when c.custom_interval_seconds is not null then c.custom_interval_seconds
      when c.interval_seconds <= 15 then 0
      else c.interval_seconds
    end as interval_seconds
  from monitoring.collectors as c
  join monitoring.targets as t on t.target_id = $1::int4 and t.kind = c.target_kind
  where c.present and c.enabled and c.interval_seconds is not null
)
select
  planned.collector_id::int8, planned.collector::text, planned.columns::text[] as stored_columns, planned.read_by::text,
  last.version::int8, (last.taken_at at time zone 'UTC')::timestamp as taken_at,
  case
    when planned.is_of_server and counted.taken_at > last.taken_at then 'read elsewhere since'
    else last.epoch
  end::text as epoch,
  last.columns::text[], last.keys::text[], last.counters::int8[], last.gauge_columns::text[], last.gauges::int8[],
  last.fingerprints::int8[]
from planned
left join monitoring.collector_status as status on status.target_id = $1::int4 and status.collector = planned.collector
-- What another target reads needs no comparison.
left join monitoring.counter_snapshots as last
  on last.target_id = $1::int4 and last.collector = planned.collector and planned.read_by is null
left join counted on counted.collector = planned.collector
where not $2::bool or planned.interval_seconds = 0 or status.started_at is null
  or pg_catalog.floor(pg_catalog.date_part('epoch', now()) / planned.interval_seconds + 0.1)
    > pg_catalog.floor(pg_catalog.date_part('epoch', status.started_at) / planned.interval_seconds + 0.1)
order by planned.collector
