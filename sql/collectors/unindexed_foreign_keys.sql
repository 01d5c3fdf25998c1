-- name: unindexed_foreign_keys
-- reads: pg_constraint: foreign keys whose columns no index begins with: a delete on the other side reads the table
-- scope: database
-- interval: 3600s
-- timeout: 5s
-- versions: 13-18
-- privileges: none
-- keeps: changes
-- columns: schema=key table=key foreign_key=key columns=text referenced_table=text
-- columns: estimated_rows=gauge estimated_bytes=gauge
--
-- An index serves where it is valid, a btree or hash, and its first columns are those of the key in any order. A partial
-- one serves where it leaves out nothing but rows with a null in the key. A key of a partitioned table is looked for in
-- the indexes of that table, not of every partition. A key that is not enforced (18) is never checked, so needs none.

with foreign_key as materialized (
  select k.oid, k.conname, k.conrelid, k.confrelid, k.conkey
  from pg_catalog.pg_constraint as k
  where k.contype = 'f'
    and k.conparentid = 0
    and coalesce((pg_catalog.to_jsonb(k) ->> 'conenforced')::bool, true)
    and not exists (
      select from pg_catalog.pg_depend as e
      where e.classid = 'pg_catalog.pg_class'::regclass and e.objid = k.conrelid and e.deptype = 'e'
    )
),
served as materialized (
  select distinct k.oid
  from foreign_key as k
  join pg_catalog.pg_index as i on i.indrelid = k.conrelid
  join pg_catalog.pg_class as c on c.oid = i.indexrelid
  join pg_catalog.pg_am as m on m.oid = c.relam
  cross join pg_catalog.cardinality(k.conkey) as size
  where i.indisvalid
    and m.amname in ('btree', 'hash')
    and i.indnkeyatts >= size
    -- The array of the catalog begins at 0, and no column is twice in a key.
    and (i.indkey::int2[])[0:size - 1] @> k.conkey
    and (
      i.indpred is null
      or (
        i.indpred::text ~ '^[{]NULLTEST :arg [{]VAR [^{}]*[}] :nulltesttype 1 [^{}]*[}]$'
        and (pg_catalog.regexp_match(i.indpred::text, ':varattno ([0-9]+)'))[1]::int2 = any(k.conkey)
      )
    )
)
select
  n.nspname::text as schema,
  c.relname::text as table,
  k.conname::text as foreign_key,
  (
    select string_agg(pg_catalog.quote_ident(a.attname), ', ' order by p.number)
    from pg_catalog.unnest(k.conkey) with ordinality as p (attnum, number)
    join pg_catalog.pg_attribute as a on a.attrelid = k.conrelid and a.attnum = p.attnum
  )::text as columns,
  (other_schema.nspname || '.' || other.relname)::text as referenced_table,
  (case when c.reltuples >= 0 then c.reltuples end)::int8 as estimated_rows,
  (greatest(c.relpages, 0)::int8 * pg_catalog.current_setting('block_size')::int8)::int8 as estimated_bytes
from foreign_key as k
join pg_catalog.pg_class as c on c.oid = k.conrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
join pg_catalog.pg_class as other on other.oid = k.confrelid
join pg_catalog.pg_namespace as other_schema on other_schema.oid = other.relnamespace
where c.relpersistence <> 't'
  and k.oid not in (select served.oid from served)
