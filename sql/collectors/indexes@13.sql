-- name: indexes
-- reads: pg_stat_user_indexes: scans and rows of every index, what it is good for, and its estimated size
-- scope: database
-- interval: 300s
-- timeout: 5s
-- versions: 13-15
-- privileges: none
-- keeps: changes
-- columns: schema=key index=key table=label root=label root_index=label stats_reset=epoch
-- columns: scans=counter rows_read=counter rows_fetched=counter
-- columns: last_scan_at_seconds=gauge estimated_rows=gauge estimated_bytes=gauge
-- columns: is_valid=gauge is_unique=gauge is_primary=gauge is_constraint=gauge is_replica_identity=gauge
--
-- `root` is the topmost partitioned table and `root_index` its index, where the index belongs to a partition.
-- `is_constraint` is 1 also where a foreign key of another table rests on the index. The estimates are what the last
-- vacuum or analyze left in pg_class. The definitions are in index_definitions: they cost more than all of this.

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
  s.idx_scan::int8 as scans,
  s.idx_tup_read::int8 as rows_read,
  s.idx_tup_fetch::int8 as rows_fetched,
  null::int8 as last_scan_at_seconds,
  (case when c.reltuples >= 0 then c.reltuples end)::int8 as estimated_rows,
  (c.relpages::int8 * pg_catalog.current_setting('block_size')::int8)::int8 as estimated_bytes,
  i.indisvalid::int4::int8 as is_valid,
  i.indisunique::int4::int8 as is_unique,
  i.indisprimary::int4::int8 as is_primary,
  (exists (select from pg_catalog.pg_constraint as k where k.conindid = i.indexrelid))::int4::int8 as is_constraint,
  i.indisreplident::int4::int8 as is_replica_identity
from pg_catalog.pg_stat_user_indexes as s
join pg_catalog.pg_index as i on i.indexrelid = s.indexrelid
join pg_catalog.pg_class as c on c.oid = s.indexrelid
join pg_catalog.pg_class as t on t.oid = s.relid
left join pg_catalog.pg_class as root on t.relispartition and root.oid = pg_catalog.pg_partition_root(t.oid)
left join pg_catalog.pg_namespace as root_schema on root_schema.oid = root.relnamespace
left join pg_catalog.pg_class as root_index
  on c.relispartition and root_index.oid = pg_catalog.pg_partition_root(c.oid)
where t.relpersistence <> 't'
