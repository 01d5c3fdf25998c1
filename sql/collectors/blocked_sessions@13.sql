-- name: blocked_sessions
-- reads: pg_stat_activity, pg_locks: the sessions that wait for a lock, and those they wait for
-- scope: instance
-- interval: 15s
-- timeout: 2s
-- versions: 13
-- privileges: pg_read_all_stats
-- needs: pg_locks.granted
-- keeps: own
-- columns: pid=key blocker_pids=label state=label user_name=label application=label database=label
-- columns: waiting_ms=gauge statement_ms=gauge transaction_ms=gauge
-- columns: lock_type=label lock_mode=label relation=label query_id=gauge query=statement
--
-- PostgreSQL 13 does not say since when a session waits. One row per session of a chain, those at its ends without `blocker_pids`; pid 0 is a prepared transaction. Where nobody
-- waits, neither the lock table is read nor pg_blocking_pids called, since both hold up the lock manager; and it is called
-- for 200 sessions at most. A worker of a parallel query waits for its leader's whole group and is shown as the leader.
-- Names of applications as in `connections`. The wait for a row is a wait for the transaction that changed it; its table is the one that the first in line keeps
-- a tuple lock on.

with session as materialized (
  select a.*, coalesce(a.leader_pid, a.pid) as member_of
  from pg_catalog.pg_stat_activity as a
),
waiting as materialized (
  select s.pid, s.member_of
  from session as s
  where s.wait_event_type = 'Lock'
  order by s.query_start
  limit 200
),
blocked as materialized (
  select w.pid as waiter, w.member_of as pid, blocker.pids
  from waiting as w
  cross join lateral (
    select pg_catalog.array_agg(distinct b.pid order by b.pid) as pids
    from pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) as b (pid)
    where b.pid <> w.member_of
  ) as blocker
  where blocker.pids is not null
),
lock as materialized (
  select l.*
  from pg_catalog.pg_locks as l
  where (select count(*) > 0 from blocked) and (not l.granted or l.locktype = 'tuple')
),
involved as (
  select b.pid from blocked as b
  union
  select blocker.pid from blocked as b cross join lateral pg_catalog.unnest(b.pids) as blocker (pid)
)
select
  involved.pid::text as pid,
  pg_catalog.array_to_string(b.pids, ' ')::text as blocker_pids,
  (case when involved.pid = 0 then 'prepared transaction' else s.state end)::text as state,
  s.usename::text as user_name,
  pg_catalog.regexp_replace(
    pg_catalog.left(s.application_name, 64),
    '[^ ,|]*@[^ ,|]*|=[^ ,|]+|[[:<:]](bearer[ :]|gh[a-z]_|github_pat_|glpat-|xox[a-z]-|whsec_|eyj[0-9a-z_-]{8})[^ ,|]*'
    || '|[0-9][0-9.:/-]{6,}|[0-9a-f-]{16,}|[[:<:]](?=[a-f]*[0-9])[0-9a-f]{8,}[[:>:]]'
    || '|[[:<:]](?=[a-z_]*[0-9]+[a-z])[0-9a-z_]{12,}[[:>:]]|[0-9a-z+]{30,}|[0-9]+',
    '#',
    'gi'
  )::text as application,
  s.datname::text as database,
  null::int8 as waiting_ms,
  (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - s.query_start) * 1000)::int8 as statement_ms,
  (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - s.xact_start) * 1000)::int8 as transaction_ms,
  l.locktype::text as lock_type,
  l.mode::text as lock_mode,
  (n.nspname || '.' || c.relname)::text as relation,
  null::int8 as query_id,
  pg_catalog.left(s.query, 8192)::text as query
from involved
left join session as s on s.pid = involved.pid
left join lateral (
  select first.pids, first.waiter
  from blocked as first
  where first.pid = involved.pid
  order by first.waiter
  limit 1
) as b on true
left join lock as l on l.pid = b.waiter and not l.granted
left join lateral (
  select held.database, held.relation
  from lock as held
  where held.pid = b.waiter and held.granted
  limit 1
) as line on l.locktype = 'transactionid'
left join pg_catalog.pg_class as c
  on c.oid = coalesce(l.relation, line.relation)
  and coalesce(l.database, line.database) in (
    0, (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
  )
left join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
