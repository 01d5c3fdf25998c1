-- name: idle_sessions
-- reads: pg_stat_activity: for how long the idle sessions of each application have been idle
-- scope: instance
-- interval: 60s
-- timeout: 2s
-- versions: 13-18
-- privileges: pg_read_all_stats
-- columns: application=key state=key sessions=gauge idle_ms=gauge within_1s=gauge within_2s=gauge within_5s=gauge
-- columns: within_15s=gauge within_30s=gauge within_60s=gauge within_90s=gauge within_120s=gauge within_300s=gauge
--
-- `idle_ms` is the sum over the sessions; `within_5s` counts those that have been idle for at most 5 s, as the
-- buckets of a histogram do. An application whose sessions age without work leaks connections. Names as in
-- `connections`.

with session as (
  select
    pg_catalog.regexp_replace(
      pg_catalog.left(coalesce(a.application_name, ''), 64),
      '[^ ,|]*@[^ ,|]*|=[^ ,|]+|[[:<:]](bearer[ :]|gh[a-z]_|github_pat_|glpat-|xox[a-z]-|whsec_|eyj[0-9a-z_-]{8})[^ ,|]*'
      || '|[0-9][0-9.:/-]{6,}|[0-9a-f-]{16,}|[[:<:]](?=[a-f]*[0-9])[0-9a-f]{8,}[[:>:]]'
      || '|[[:<:]](?=[a-z_]*[0-9]+[a-z])[0-9a-z_]{12,}[[:>:]]|[0-9a-z+]{30,}|[0-9]+',
      '#',
      'gi'
    ) as application,
    a.state,
    greatest(0, pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.state_change) * 1000)::int8 as idle_ms
  from pg_catalog.pg_stat_activity as a
  where a.state like 'idle%' and a.backend_type = 'client backend' and a.pid <> pg_catalog.pg_backend_pid()
),
counted as (
  select
    application,
    state,
    count(*) as sessions,
    sum(idle_ms) as idle_ms,
    count(*) filter (where idle_ms <= 1000) as within_1s,
    count(*) filter (where idle_ms <= 2000) as within_2s,
    count(*) filter (where idle_ms <= 5000) as within_5s,
    count(*) filter (where idle_ms <= 15000) as within_15s,
    count(*) filter (where idle_ms <= 30000) as within_30s,
    count(*) filter (where idle_ms <= 60000) as within_60s,
    count(*) filter (where idle_ms <= 90000) as within_90s,
    count(*) filter (where idle_ms <= 120000) as within_120s,
    count(*) filter (where idle_ms <= 300000) as within_300s,
    sum(count(*)) over (partition by application) as of_application
  from session
  group by application, state
),
ranked as (
  select
    counted.*,
    pg_catalog.dense_rank() over (order by of_application desc, application) <= 50 as shown
  from counted
)
select
  (case when shown then application else '(other)' end)::text as application,
  state::text as state,
  sum(sessions)::int8 as sessions,
  sum(idle_ms)::int8 as idle_ms,
  sum(within_1s)::int8 as within_1s,
  sum(within_2s)::int8 as within_2s,
  sum(within_5s)::int8 as within_5s,
  sum(within_15s)::int8 as within_15s,
  sum(within_30s)::int8 as within_30s,
  sum(within_60s)::int8 as within_60s,
  sum(within_90s)::int8 as within_90s,
  sum(within_120s)::int8 as within_120s,
  sum(within_300s)::int8 as within_300s
from ranked
group by 1, 2
