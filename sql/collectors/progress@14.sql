-- name: progress
-- reads: pg_stat_progress_…: how far index builds, analyses, rewrites of tables, base backups and copies are
-- scope: instance
-- interval: 30s
-- timeout: 2s
-- versions: 14-18
-- privileges: pg_read_all_stats
-- needs: pg_stat_progress_create_index.blocks_done pg_stat_progress_copy.bytes_total
-- columns: command=key database=key pid=key relation_id=label relation=label phase=text
-- columns: done=gauge total=gauge unit_bytes=gauge running_ms=gauge
--
-- `done` of `total` steps of the phase at hand, each of `unit_bytes` bytes (blocks, or single bytes). Names of tables
-- are known in the connected database only. Vacuums are in `vacuum_progress`.

with work as (
  select
    pg_catalog.lower(p.command) as command, p.datname, p.pid, p.relid, p.phase,
    p.blocks_done as done, p.blocks_total as total, null::int8 as unit_bytes
  from pg_catalog.pg_stat_progress_create_index as p
  union all
  select 'analyze', p.datname, p.pid, p.relid, p.phase, p.sample_blks_scanned, p.sample_blks_total, null
  from pg_catalog.pg_stat_progress_analyze as p
  union all
  select pg_catalog.lower(p.command), p.datname, p.pid, p.relid, p.phase, p.heap_blks_scanned, p.heap_blks_total, null
  from pg_catalog.pg_stat_progress_cluster as p
  union all
  select 'base backup', null, p.pid, null, p.phase, p.backup_streamed, p.backup_total, 1
  from pg_catalog.pg_stat_progress_basebackup as p
  union all
  select pg_catalog.lower(p.command), p.datname, p.pid, p.relid, null, p.bytes_processed, nullif(p.bytes_total, 0), 1
  from pg_catalog.pg_stat_progress_copy as p
)
select
  w.command::text as command,
  coalesce(w.datname::text, '')::text as database,
  w.pid::text as pid,
  w.relid::int8::text as relation_id,
  (n.nspname::text || '.' || c.relname::text)::text as relation,
  w.phase::text as phase,
  w.done::int8 as done,
  w.total::int8 as total,
  coalesce(w.unit_bytes, pg_catalog.current_setting('block_size')::int8)::int8 as unit_bytes,
  (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - coalesce(a.xact_start, a.backend_start)) * 1000)::int8
    as running_ms
from work as w
left join pg_catalog.pg_stat_activity as a on a.pid = w.pid
left join pg_catalog.pg_class as c on c.oid = w.relid and w.datname = pg_catalog.current_database()
left join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
