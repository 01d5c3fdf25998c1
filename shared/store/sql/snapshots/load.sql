-- The last counters of a collector ($2) on a target ($1).
select
  s.version::int8, (s.taken_at at time zone 'UTC')::timestamp as taken_at, s.epoch::text, s.columns::text[],
  s.keys::text[], s.counters::int8[]
from monitoring.counter_snapshots as s
where s.target_id = $1::int4 and s.collector = $2
