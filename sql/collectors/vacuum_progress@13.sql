-- name: vacuum_progress
-- reads: pg_stat_progress_vacuum: how far every vacuum is
-- scope: instance
-- interval: 30s
-- timeout: 2s
-- versions: 13-16
-- privileges: pg_read_all_stats
-- needs: pg_stat_progress_vacuum.max_dead_tuples
-- columns: database=key relation_id=key relation=label phase=text
-- columns: automatic=gauge running_ms=gauge heap_blocks=gauge heap_blocks_scanned=gauge heap_blocks_vacuumed=gauge
-- columns: index_vacuums=gauge max_dead_tuples=gauge dead_tuples=gauge
-- columns: max_dead_tuple_bytes=gauge dead_tuple_bytes=gauge indexes=gauge indexes_processed=gauge delay_us=gauge
--
-- Names of tables are known in the connected database only; elsewhere `relation` is null. The memory for dead rows is
-- counted in rows until PostgreSQL 16, in bytes from 17 on; how long it slept by its cost limit is told from 18 on.

select
  v.datname::text as database,
  v.relid::int8::text as relation_id,
  (n.nspname::text || '.' || c.relname::text)::text as relation,
  v.phase::text as phase,
  (a.backend_type = 'autovacuum worker')::int4::int8 as automatic,
  (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start) * 1000)::int8 as running_ms,
  v.heap_blks_total::int8 as heap_blocks,
  v.heap_blks_scanned::int8 as heap_blocks_scanned,
  v.heap_blks_vacuumed::int8 as heap_blocks_vacuumed,
  v.index_vacuum_count::int8 as index_vacuums,
  v.max_dead_tuples::int8 as max_dead_tuples,
  v.num_dead_tuples::int8 as dead_tuples,
  null::int8 as max_dead_tuple_bytes,
  null::int8 as dead_tuple_bytes,
  null::int8 as indexes,
  null::int8 as indexes_processed,
  null::int8 as delay_us
from pg_catalog.pg_stat_progress_vacuum as v
left join pg_catalog.pg_stat_activity as a on a.pid = v.pid
left join pg_catalog.pg_class as c on c.oid = v.relid and v.datname = pg_catalog.current_database()
left join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
