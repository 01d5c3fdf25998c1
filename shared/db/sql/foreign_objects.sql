-- What in a schema ($1) is not its owner's ($2), the schema itself included, and who may add to it: each with a word for
-- what it is, its name and the role. None where there is no such schema.
--
-- Reads the catalog only, so that nothing of what it finds is run.
with place as (
  select n.oid, n.nspowner, n.nspacl, keeper.oid as keeper
  from pg_catalog.pg_namespace as n
  left join pg_catalog.pg_roles as keeper on keeper.rolname = $2
  where n.nspname = $1
),
relation as (
  select c.oid, c.relname, c.relkind, c.relowner, c.relacl
  from place join pg_catalog.pg_class as c on c.relnamespace = place.oid
  -- A composite type is told of as a type.
  where c.relkind <> 'c'
),
found as (
  select 'schema' as kind, $1::text as name, place.nspowner as role, place.keeper from place
  union all
  select
    case relation.relkind when 'v' then 'view' when 'm' then 'view' when 'S' then 'sequence' when 'i' then 'index' else 'table' end,
    relation.relname, relation.relowner, place.keeper
  from place, relation
  union all
  select 'function', p.proname, p.proowner, place.keeper
  from place join pg_catalog.pg_proc as p on p.pronamespace = place.oid
  union all
  select 'type', t.typname, t.typowner, place.keeper
  from place
  join pg_catalog.pg_type as t on t.typnamespace = place.oid
  -- The rows of a table are a type, and so are the arrays of a type: both come and go with what they are of.
  left join pg_catalog.pg_class as c on c.oid = t.typrelid
  where coalesce(c.relkind, 'c') = 'c'
    and not exists (select from pg_catalog.pg_type as element where element.typarray = t.oid)
  union all
  select 'operator', o.oprname, o.oprowner, place.keeper
  from place join pg_catalog.pg_operator as o on o.oprnamespace = place.oid
  union all
  select 'operator class', c.opcname, c.opcowner, place.keeper
  from place join pg_catalog.pg_opclass as c on c.opcnamespace = place.oid
  union all
  select 'collation', c.collname, c.collowner, place.keeper
  from place join pg_catalog.pg_collation as c on c.collnamespace = place.oid
  union all
  select 'conversion', c.conname, c.conowner, place.keeper
  from place join pg_catalog.pg_conversion as c on c.connamespace = place.oid
  union all
  -- A trigger belongs to the owner of its table, and runs a function of anybody's.
  select 'trigger', t.tgname, p.proowner, place.keeper
  from place
  cross join relation
  join pg_catalog.pg_trigger as t on t.tgrelid = relation.oid and not t.tgisinternal
  join pg_catalog.pg_proc as p on p.oid = t.tgfoid
  union all
  select 'right to create in the schema', $1, granted.grantee, place.keeper
  from place
  cross join lateral pg_catalog.aclexplode(place.nspacl) as granted
  where granted.privilege_type = 'CREATE'
  union all
  select 'right to make triggers on the table', relation.relname, granted.grantee, place.keeper
  from place
  cross join relation
  cross join lateral pg_catalog.aclexplode(relation.relacl) as granted
  where granted.privilege_type = 'TRIGGER'
)
select
  found.kind::text as kind, found.name::text as name, coalesce(holder.rolname, 'public')::text as role
from found
left join pg_catalog.pg_roles as holder on holder.oid = found.role
where found.role is distinct from found.keeper
  -- Functions that come with the server serve as triggers, too.
  and not (found.kind = 'trigger' and found.role = 10)
order by found.kind <> 'schema', 1, 2, 3
limit 100
