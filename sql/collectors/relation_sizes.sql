-- name: relation_sizes
-- reads: pg_table_size, pg_indexes_size: the exact size of every table, its TOAST and its indexes
-- scope: database
-- interval: 3600s
-- timeout: 30s
-- versions: 13-18
-- privileges: none
-- keeps: changes
-- columns: schema=key table=key root=label
-- columns: table_bytes=gauge toast_bytes=gauge index_bytes=gauge
--
-- The size functions look at every file, and wait behind ACCESS EXCLUSIVE locks. A table on which, or on an index or the
-- TOAST of which, somebody holds or waits for such a lock is left alone: its sizes are not known (null) this time.
-- `table_bytes` has the table with its maps and its TOAST, `toast_bytes` what of that is TOAST with its index.

with locked as materialized (
  select l.relation
  from pg_catalog.pg_locks as l
  where l.locktype = 'relation' and l.mode = 'AccessExclusiveLock'
    and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
),
busy as materialized (
  select locked.relation as table_oid from locked
  union
  select i.indrelid from locked join pg_catalog.pg_index as i on i.indexrelid = locked.relation
  union
  select t.oid from locked join pg_catalog.pg_class as t on t.reltoastrelid = locked.relation
  union
  select t.oid
  from locked
  join pg_catalog.pg_index as i on i.indexrelid = locked.relation
  join pg_catalog.pg_class as t on t.reltoastrelid = i.indrelid
)
select
  n.nspname::text as schema,
  c.relname::text as table,
  (root_schema.nspname || '.' || root.relname)::text as root,
  (case when busy.table_oid is null then pg_catalog.pg_table_size(c.oid) end)::int8 as table_bytes,
  (
    case
      when busy.table_oid is not null then null
      when c.reltoastrelid = 0 then 0
      else pg_catalog.pg_total_relation_size(c.reltoastrelid)
    end
  )::int8 as toast_bytes,
  (case when busy.table_oid is null then pg_catalog.pg_indexes_size(c.oid) end)::int8 as index_bytes
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join busy on busy.table_oid = c.oid
left join pg_catalog.pg_class as root on c.relispartition and root.oid = pg_catalog.pg_partition_root(c.oid)
left join pg_catalog.pg_namespace as root_schema on root_schema.oid = root.relnamespace
where c.relkind in ('r', 'm')
  and c.relpersistence <> 't'
  and n.nspname not in ('pg_catalog', 'information_schema')
