-- name: duplicate_indexes
-- reads: pg_index: indexes that another index of the same table can stand in for
-- scope: database
-- interval: 3600s
-- timeout: 5s
-- versions: 13-18
-- privileges: none
-- keeps: changes
-- columns: schema=key index=key table=label covered_by=text kind=text estimated_bytes=gauge
--
-- `kind` is `duplicate` (the same columns) or `prefix` (a btree whose columns are the first ones of a longer btree). Both
-- have the same method, operator classes, collations, orders, expressions and predicate, and what the one includes the
-- other has. An index that makes rows unique is only a duplicate of one that makes the same ones unique; an index that a
-- constraint (also a foreign key of another table), a replica identity or a partitioned index rests on is none at all.
-- Expressions are compared as the server stores them, without the positions in the text they came from; that needs no
-- table to be opened. Of two that are alike the older one stays.

with shape as materialized (
  select
    i.indexrelid,
    i.indrelid,
    n.nspname,
    c.relname,
    t.relname as table_name,
    c.relpages,
    c.relam,
    m.amname = 'btree' as has_prefixes,
    i.indisunique,
    i.indimmediate,
    (i.indisunique and coalesce(pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct', 'false') = 'true') as nulls_not_distinct,
    i.indnkeyatts::int4 as keys,
    i.indkey::int2[] as columns,
    i.indclass::oid[] as classes,
    i.indcollation::oid[] as collations,
    i.indoption::int2[] as orders,
    coalesce(pg_catalog.regexp_replace(i.indexprs::text, ':location -?[0-9]+', '', 'g'), '') as expressions,
    coalesce(pg_catalog.regexp_replace(i.indpred::text, ':location -?[0-9]+', '', 'g'), '') as predicate,
    i.indisreplident
      or c.relispartition
      or i.indisexclusion
      or exists (select from pg_catalog.pg_constraint as k where k.conindid = i.indexrelid) as is_needed
  from pg_catalog.pg_index as i
  join pg_catalog.pg_class as c on c.oid = i.indexrelid
  join pg_catalog.pg_class as t on t.oid = i.indrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  join pg_catalog.pg_am as m on m.oid = c.relam
  where i.indisvalid
    and t.relkind in ('r', 'm', 'p')
    and t.relpersistence <> 't'
    and n.nspname not in ('pg_catalog', 'information_schema')
    and not exists (
      select from pg_catalog.pg_depend as e
      where e.classid = 'pg_catalog.pg_class'::regclass and e.objid = t.oid and e.deptype = 'e'
    )
),
-- The arrays of the catalogs begin at 0.
pair as (
  select
    one.*,
    other.nspname || '.' || other.relname as covered_by,
    one.keys = other.keys as is_same_length,
    row_number() over (
      partition by one.indexrelid
      order by (one.keys = other.keys) desc, other.is_needed desc, other.indexrelid
    ) as place
  from shape as one
  join shape as other
    on other.indrelid = one.indrelid
    and other.indexrelid <> one.indexrelid
    and other.relam = one.relam
    and other.expressions = one.expressions
    and other.predicate = one.predicate
  where not one.is_needed
    and (one.keys = other.keys or (one.keys < other.keys and one.has_prefixes))
    and other.columns[0:one.keys - 1] = one.columns[0:one.keys - 1]
    and other.classes[0:one.keys - 1] = one.classes[0:one.keys - 1]
    and other.collations[0:one.keys - 1] = one.collations[0:one.keys - 1]
    and other.orders[0:one.keys - 1] = one.orders[0:one.keys - 1]
    and one.columns[one.keys:] <@ other.columns
    and (
      not one.indisunique
      or (
        other.indisunique
        and one.keys = other.keys
        and one.indimmediate = other.indimmediate
        and one.nulls_not_distinct = other.nulls_not_distinct
      )
    )
    -- Where each could stand in for the other, only one of them is to go.
    and (
      one.keys < other.keys
      or other.is_needed
      or other.indexrelid < one.indexrelid
      or (other.indisunique and not one.indisunique)
      or not other.columns[other.keys:] <@ one.columns
    )
)
select
  p.nspname::text as schema,
  p.relname::text as index,
  p.table_name::text as table,
  p.covered_by::text as covered_by,
  (case when p.is_same_length then 'duplicate' else 'prefix' end)::text as kind,
  (p.relpages::int8 * pg_catalog.current_setting('block_size')::int8)::int8 as estimated_bytes
from pair as p
where p.place = 1
