-- How long the jobs took that were queued from $1 to $2, from that to their end, in microseconds; how many are not done,
-- and how many of these are dead.
select
  coalesce(
    array_agg((extract(epoch from j.finished_at - j.created_at) * 1000000)::int8) filter (where j.state = 'done'), '{}'
  )::int8[] as took_us,
  count(*) filter (where j.state in ('queued', 'running'))::int8 as unfinished,
  count(*) filter (where j.state = 'dead')::int8 as dead
from guardian.jobs as j
where j.created_at >= $1 and j.created_at < $2
