-- name: index_definitions
-- reads: pg_index: how every index was made
-- scope: database
-- interval: 3600s
-- timeout: 5s
-- versions: 13-18
-- privileges: none
-- keeps: changes
-- columns: schema=key index=key table=label definition=expression
--
-- pg_get_indexdef opens the table, which takes long for thousands of them and waits behind ACCESS EXCLUSIVE locks. Most
-- indexes have nothing but columns, and their definition is put together here, word for word; only the others are asked
-- for, and where somebody holds or waits for such a lock they are not known (null) this time. An index that belongs to one
-- of a partitioned table is defined there.

with locked as materialized (
  select l.relation
  from pg_catalog.pg_locks as l
  where l.locktype = 'relation' and l.mode = 'AccessExclusiveLock'
    and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
),
candidate as materialized (
  select
    i.indexrelid,
    i.indrelid,
    i.indisunique,
    i.indkey,
    i.indclass,
    i.indcollation,
    i.indoption,
    n.nspname,
    c.relname,
    t.relname as table_name,
    m.amname,
    c.relkind = 'i'
      and i.indexprs is null
      and i.indpred is null
      and i.indnatts = i.indnkeyatts
      and c.reloptions is null
      and not (i.indisunique and coalesce(pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct', 'false') = 'true')
      as has_columns_only
  from pg_catalog.pg_index as i
  join pg_catalog.pg_class as c on c.oid = i.indexrelid
  join pg_catalog.pg_class as t on t.oid = i.indrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  join pg_catalog.pg_am as m on m.oid = c.relam
  where t.relkind in ('r', 'm', 'p')
    and t.relpersistence <> 't'
    and not c.relispartition
    and n.nspname not in ('pg_catalog', 'information_schema')
),
-- The arrays of the catalog begin at 0.
listed as (
  select
    c.indexrelid,
    bool_and(o.opcdefault and c.indcollation[p.number - 1] in (0, a.attcollation)) as is_plain,
    string_agg(
      pg_catalog.quote_ident(a.attname)
      || case c.indoption[p.number - 1] & 3
        when 1 then ' DESC NULLS LAST' when 2 then ' NULLS FIRST' when 3 then ' DESC' else ''
      end,
      ', ' order by p.number
    ) as columns
  from candidate as c
  cross join lateral pg_catalog.unnest(c.indkey::int2[]) with ordinality as p (attnum, number)
  join pg_catalog.pg_attribute as a on a.attrelid = c.indrelid and a.attnum = p.attnum
  join pg_catalog.pg_opclass as o on o.oid = c.indclass[p.number - 1]
  where c.has_columns_only
  group by c.indexrelid
)
select
  c.nspname::text as schema,
  c.relname::text as index,
  c.table_name::text as table,
  (
    case
      when listed.is_plain
        then case when c.indisunique then 'CREATE UNIQUE INDEX ' else 'CREATE INDEX ' end
          || pg_catalog.quote_ident(c.relname)
          || ' ON ' || pg_catalog.quote_ident(c.nspname) || '.' || pg_catalog.quote_ident(c.table_name)
          || ' USING ' || c.amname || ' (' || listed.columns || ')'
      when c.indrelid not in (select locked.relation from locked) then pg_catalog.pg_get_indexdef(c.indexrelid)
    end
  )::text as definition
from candidate as c
left join listed on listed.indexrelid = c.indexrelid
