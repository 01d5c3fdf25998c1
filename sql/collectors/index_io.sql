-- name: index_io
-- reads: pg_statio_user_indexes: blocks of every index, read and found in shared buffers
-- scope: database
-- interval: 300s
-- timeout: 5s
-- versions: 13-18
-- privileges: none
-- keeps: changes
-- columns: schema=key index=key table=label root=label root_index=label stats_reset=epoch
-- columns: blocks_read=counter blocks_hit=counter
--
-- `root` is the topmost partitioned table and `root_index` its index, where the index belongs to a partition.

select
  s.schemaname::text as schema,
  s.indexrelname::text as index,
  s.relname::text as table,
  (root_schema.nspname || '.' || root.relname)::text as root,
  (root_schema.nspname || '.' || root_index.relname)::text as root_index,
  coalesce(
    (
      select d.stats_reset at time zone 'UTC' from pg_catalog.pg_stat_database as d
      where d.datname = pg_catalog.current_database()
    ),
    'epoch'::timestamp
  )::timestamp as stats_reset,
  s.idx_blks_read::int8 as blocks_read,
  s.idx_blks_hit::int8 as blocks_hit
from pg_catalog.pg_statio_user_indexes as s
join pg_catalog.pg_class as c on c.oid = s.relid
left join pg_catalog.pg_class as root on c.relispartition and root.oid = pg_catalog.pg_partition_root(c.oid)
left join pg_catalog.pg_namespace as root_schema on root_schema.oid = root.relnamespace
left join pg_catalog.pg_class as own on own.oid = s.indexrelid
left join pg_catalog.pg_class as root_index
  on own.relispartition and root_index.oid = pg_catalog.pg_partition_root(own.oid)
where c.relpersistence <> 't'
