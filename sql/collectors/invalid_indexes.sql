-- name: invalid_indexes
-- reads: pg_index: indexes that cost writes and serve nobody, left by a build that failed or is under way
-- scope: database
-- interval: 300s
-- timeout: 5s
-- versions: 13-18
-- privileges: pg_read_all_stats
-- keeps: changes
-- columns: schema=key index=key table=label root=label definition=expression is_building=gauge estimated_bytes=gauge
--
-- An index is invalid from the first moment of a concurrent build until it is ready: `is_building` is 1 while somebody
-- works at it. The index of a partitioned table is invalid as long as a partition has none that belongs to it. How it was
-- made is not known (null) where somebody holds or waits for an ACCESS EXCLUSIVE lock on the table.

with locked as materialized (
  select l.relation
  from pg_catalog.pg_locks as l
  where l.locktype = 'relation' and l.mode = 'AccessExclusiveLock'
    and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
)
select
  n.nspname::text as schema,
  c.relname::text as index,
  t.relname::text as table,
  (root_schema.nspname || '.' || root.relname)::text as root,
  (
    case
      when i.indrelid not in (select locked.relation from locked) then pg_catalog.pg_get_indexdef(i.indexrelid)
    end
  )::text as definition,
  (
    exists (
      select from pg_catalog.pg_stat_progress_create_index as p
      where p.index_relid = i.indexrelid and p.datname = pg_catalog.current_database()
    )
  )::int4::int8 as is_building,
  (c.relpages::int8 * pg_catalog.current_setting('block_size')::int8)::int8 as estimated_bytes
from pg_catalog.pg_index as i
join pg_catalog.pg_class as c on c.oid = i.indexrelid
join pg_catalog.pg_class as t on t.oid = i.indrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_class as root on t.relispartition and root.oid = pg_catalog.pg_partition_root(t.oid)
left join pg_catalog.pg_namespace as root_schema on root_schema.oid = root.relnamespace
where not (i.indisvalid and i.indisready and i.indislive)
  and t.relkind in ('r', 'm', 'p')
  and t.relpersistence <> 't'
  and n.nspname not in ('pg_catalog', 'information_schema')
