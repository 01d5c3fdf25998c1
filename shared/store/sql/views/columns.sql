-- The columns of a derived view ($1), in their order.
select a.name::text as name, pg_catalog.format_type(a.type, null)::text as type
from pg_catalog.pg_proc as p
cross join lateral rows from (
  pg_catalog.unnest(p.proargnames), pg_catalog.unnest(p.proargmodes), pg_catalog.unnest(p.proallargtypes)
) with ordinality as a (name, mode, type, position)
where p.pronamespace = 'monitoring'::regnamespace
  and p.proname = $1::text
  and a.mode = 't'
order by a.position
