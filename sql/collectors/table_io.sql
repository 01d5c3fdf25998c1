-- name: table_io
-- reads: pg_statio_user_tables: blocks of every table, its indexes and its TOAST, read and found in shared buffers
-- scope: database
-- interval: 300s
-- timeout: 5s
-- versions: 13-18
-- privileges: none
-- keeps: changes
-- columns: schema=key table=key root=label stats_reset=epoch
-- columns: heap_blocks_read=counter heap_blocks_hit=counter idx_blocks_read=counter idx_blocks_hit=counter
-- columns: toast_blocks_read=counter toast_blocks_hit=counter toast_idx_blocks_read=counter toast_idx_blocks_hit=counter
--
-- A table without indexes or TOAST has read nothing of them: 0, where the view says null.

select
  s.schemaname::text as schema,
  s.relname::text as table,
  (root_schema.nspname || '.' || root.relname)::text as root,
  coalesce(
    (
      select d.stats_reset at time zone 'UTC' from pg_catalog.pg_stat_database as d
      where d.datname = pg_catalog.current_database()
    ),
    'epoch'::timestamp
  )::timestamp as stats_reset,
  s.heap_blks_read::int8 as heap_blocks_read,
  s.heap_blks_hit::int8 as heap_blocks_hit,
  coalesce(s.idx_blks_read, 0)::int8 as idx_blocks_read,
  coalesce(s.idx_blks_hit, 0)::int8 as idx_blocks_hit,
  coalesce(s.toast_blks_read, 0)::int8 as toast_blocks_read,
  coalesce(s.toast_blks_hit, 0)::int8 as toast_blocks_hit,
  coalesce(s.tidx_blks_read, 0)::int8 as toast_idx_blocks_read,
  coalesce(s.tidx_blks_hit, 0)::int8 as toast_idx_blocks_hit
from pg_catalog.pg_statio_user_tables as s
join pg_catalog.pg_class as c on c.oid = s.relid
left join pg_catalog.pg_class as root on c.relispartition and root.oid = pg_catalog.pg_partition_root(c.oid)
left join pg_catalog.pg_namespace as root_schema on root_schema.oid = root.relnamespace
where c.relpersistence <> 't'
