-- name: waits
-- reads: pg_stat_activity: what the sessions at work wait for at this moment; the samples make a wait profile over time
-- scope: instance
-- interval: 15s
-- timeout: 2s
-- versions: 13-18
-- privileges: pg_read_all_stats
-- columns: database=key backend_type=key state=key wait_event_type=key wait_event=key sessions=gauge
--
-- A process at work that waits for nothing is on the processor: `CPU`. Idle sessions are left out, and so are
-- background processes that have nothing to do (wait events of type `Activity`). The number of rows is bounded: what
-- is not among the 200 largest groups is counted in the database `(other)`, and what is over that as another wait
-- event.

with ranked as (
  select
    coalesce(a.datname::text, '') as database,
    coalesce(a.backend_type, '') as backend_type,
    coalesce(a.state, '') as state,
    coalesce(a.wait_event_type, 'CPU') as wait_event_type,
    coalesce(a.wait_event, 'CPU') as wait_event,
    count(*) as sessions,
    pg_catalog.row_number() over (
      order by count(*) desc, a.datname, a.backend_type, a.state, a.wait_event_type, a.wait_event
    ) as position
  from pg_catalog.pg_stat_activity as a
  where
    a.pid <> pg_catalog.pg_backend_pid()
    and a.state is distinct from 'idle'
    and a.state is distinct from 'disabled'
    and a.wait_event_type is distinct from 'Activity'
  group by a.datname, a.backend_type, a.state, a.wait_event_type, a.wait_event
)
select
  (case when position <= 200 then database else '(other)' end)::text as database,
  backend_type::text as backend_type,
  state::text as state,
  wait_event_type::text as wait_event_type,
  (case when position <= 400 then wait_event else '(other)' end)::text as wait_event,
  sum(sessions)::int8 as sessions
from ranked
group by 1, 2, 3, 4, 5
