-- name: tables_without_primary_key
-- reads: pg_index: tables without a primary key, whose rows nothing tells apart and logical replication cannot change
-- scope: database
-- interval: 3600s
-- timeout: 5s
-- versions: 13-18
-- privileges: none
-- keeps: changes
-- columns: schema=key table=key has_unique_key=gauge estimated_rows=gauge estimated_bytes=gauge
--
-- `has_unique_key` is 1 where a unique index over columns that are never null could take the place. Partitions are judged
-- by the table they belong to; tables of extensions are theirs to mend.

select
  n.nspname::text as schema,
  c.relname::text as table,
  (
    exists (
      select from pg_catalog.pg_index as i
      where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indimmediate
        and i.indpred is null and i.indexprs is null
        and not exists (
          select from pg_catalog.pg_attribute as a
          where a.attrelid = c.oid and not a.attnotnull and a.attnum = any((i.indkey::int2[])[0:i.indnkeyatts - 1])
        )
    )
  )::int4::int8 as has_unique_key,
  (case when c.reltuples >= 0 then c.reltuples end)::int8 as estimated_rows,
  (greatest(c.relpages, 0)::int8 * pg_catalog.current_setting('block_size')::int8)::int8 as estimated_bytes
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p')
  and not c.relispartition
  and c.relpersistence <> 't'
  and n.nspname not in ('pg_catalog', 'information_schema')
  and not exists (select from pg_catalog.pg_index as i where i.indrelid = c.oid and i.indisprimary)
  and not exists (
    select from pg_catalog.pg_depend as e
    where e.classid = 'pg_catalog.pg_class'::regclass and e.objid = c.oid and e.deptype = 'e'
  )
