-- name: database_conflicts
-- reads: pg_stat_database_conflicts: queries that recovery cancelled, by database and reason
-- scope: instance
-- interval: 60s
-- timeout: 2s
-- versions: 16-18
-- privileges: none
-- needs: pg_stat_database_conflicts.confl_deadlock pg_stat_database_conflicts.confl_active_logicalslot
-- keeps: changes
-- columns: database_id=key database=key since_us=epoch
-- columns: tablespace=counter lock=counter snapshot=counter buffer_pin=counter deadlock=counter logical_slot=counter
--
-- Only on a replica does anything ever happen here; conflicts with logical slots are counted from PostgreSQL 16 on.

select
  c.datid::int8::text as database_id,
  c.datname::text as database,
  coalesce((extract(epoch from s.stats_reset) * 1000000)::int8, 0)::int8 as since_us,
  c.confl_tablespace::int8 as tablespace,
  c.confl_lock::int8 as lock,
  c.confl_snapshot::int8 as snapshot,
  c.confl_bufferpin::int8 as buffer_pin,
  c.confl_deadlock::int8 as deadlock,
  c.confl_active_logicalslot::int8 as logical_slot
from pg_catalog.pg_stat_database_conflicts as c
join pg_catalog.pg_stat_database as s on s.datid = c.datid
join pg_catalog.pg_database as d on d.oid = c.datid
where d.datallowconn and not d.datistemplate
