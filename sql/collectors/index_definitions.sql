-- name: index_definitions
-- reads: pg_get_indexdef: how every index was made
-- scope: database
-- interval: 3600s
-- timeout: 5s
-- versions: 13-18
-- privileges: none
-- keeps: changes
-- columns: schema=key index=key table=label definition=text
--
-- pg_get_indexdef opens the table and so waits behind ACCESS EXCLUSIVE locks: where somebody holds or waits for one, the
-- definition is not known (null) this time. An index that belongs to one of a partitioned table is defined there.

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
  (
    case
      when i.indrelid not in (select locked.relation from locked) then pg_catalog.pg_get_indexdef(i.indexrelid)
    end
  )::text as definition
from pg_catalog.pg_index as i
join pg_catalog.pg_class as c on c.oid = i.indexrelid
join pg_catalog.pg_class as t on t.oid = i.indrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where t.relkind in ('r', 'm', 'p')
  and t.relpersistence <> 't'
  and not c.relispartition
  and n.nspname not in ('pg_catalog', 'information_schema')
