-- name: locks
-- reads: pg_locks: locks by database and mode, held and waited for
-- scope: instance
-- interval: 30s
-- timeout: 2s
-- versions: 14-18
-- privileges: none
-- needs: pg_locks.granted pg_locks.waitstart
-- keeps: changes
-- columns: database=key mode=key granted=gauge waiting=gauge transaction_waiting=gauge longest_wait_ms=gauge
--
-- Every database has a row for every mode, so that a lock that is gone is a zero and not a gap. `granted` and
-- `waiting` are of locks on what is in the database; `transaction_waiting` are sessions of the database that wait for
-- the end of another transaction, as one does for a row that it has changed. Since when a lock is waited for is told
-- from PostgreSQL 14 on.

with mode (mode, name) as (
  values
    ('AccessShareLock', 'accesssharelock'), ('RowShareLock', 'rowsharelock'), ('RowExclusiveLock', 'rowexclusivelock'),
    ('ShareUpdateExclusiveLock', 'shareupdateexclusivelock'), ('ShareLock', 'sharelock'),
    ('ShareRowExclusiveLock', 'sharerowexclusivelock'), ('ExclusiveLock', 'exclusivelock'),
    ('AccessExclusiveLock', 'accessexclusivelock'), ('SIReadLock', 'sireadlock')
),
counted as (
  select
    coalesce(l.database, a.datid) as database,
    l.mode,
    count(*) filter (where l.granted) as granted,
    count(*) filter (where not l.granted and l.database is not null) as waiting,
    count(*) filter (where not l.granted and l.database is null) as transaction_waiting,
    pg_catalog.date_part('epoch', max(pg_catalog.clock_timestamp() - l.waitstart)) * 1000 as longest_wait_ms
  from pg_catalog.pg_locks as l
  left join pg_catalog.pg_stat_get_activity(null) as a on not l.granted and l.database is null and a.pid = l.pid
  where (l.database is not null or not l.granted) and l.pid is distinct from pg_catalog.pg_backend_pid()
  group by 1, 2
)
select
  d.datname::text as database,
  mode.name::text as mode,
  coalesce(c.granted, 0)::int8 as granted,
  coalesce(c.waiting, 0)::int8 as waiting,
  coalesce(c.transaction_waiting, 0)::int8 as transaction_waiting,
  (case when c.longest_wait_ms is not null then greatest(0, c.longest_wait_ms) end)::int8 as longest_wait_ms
from pg_catalog.pg_database as d
cross join mode
left join counted as c on c.database = d.oid and c.mode = mode.mode
where d.datallowconn and not d.datistemplate
