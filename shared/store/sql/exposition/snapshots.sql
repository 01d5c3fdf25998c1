-- The last raw counters of a collector ($1) on each enabled target that answers.
select
  t.target_id::int8, t.name::text as target, s.version::int8, s.taken_at::timestamptz, s.epoch::text, s.columns::text[],
  s.keys::text[], s.counters::int8[]
from monitoring.counter_snapshots as s
join monitoring.targets as t using (target_id)
join monitoring.target_state as state using (target_id)
where s.collector = $1 and t.enabled and state.up
order by t.name
