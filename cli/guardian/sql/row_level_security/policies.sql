-- Every policy of the database, with its conditions as they were parsed, and whether it applies to what `authenticated`
-- reads.
select
  n.nspname::text as schema_name,
  c.relname::text as table_name,
  p.polname::text as policy,
  p.polpermissive::bool as permissive,
  coalesce(pg_catalog.pg_get_expr(p.polqual, p.polrelid), '')::text as condition,
  coalesce(p.polqual::text, '')::text as condition_tree,
  coalesce(p.polwithcheck::text, '')::text as check_tree,
  (
    p.polcmd in ('r', '*') and exists (
      select 1
      from unnest(p.polroles) as applies (role_oid)
      where applies.role_oid = 0 or exists (
        select 1 from pg_catalog.pg_roles as r
        where r.rolname = 'authenticated' and pg_catalog.pg_has_role(r.oid, applies.role_oid, 'usage')
      )
    )
  )::bool as is_read_by_users
from pg_catalog.pg_policy as p
join pg_catalog.pg_class as c on c.oid = p.polrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname not in ('pg_catalog', 'information_schema')
order by 1, 2, 3
