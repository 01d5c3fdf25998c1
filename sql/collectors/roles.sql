-- name: roles
-- reads: pg_roles: what every role may do, and how many connections it may have
-- scope: instance
-- interval: 3600s
-- timeout: 5s
-- versions: 13-18
-- privileges: none
-- keeps: changes
-- columns: role=key attributes=text member_of=text valid_until=text connection_limit=gauge
--
-- No limit is null. Passwords are not read. The roles that PostgreSQL brings along are left out.

select
  r.rolname::text as role,
  pg_catalog.concat_ws(
    ' ',
    case when r.rolsuper then 'superuser' end,
    case when r.rolcanlogin then 'login' end,
    case when r.rolreplication then 'replication' end,
    case when r.rolcreaterole then 'createrole' end,
    case when r.rolcreatedb then 'createdb' end,
    case when r.rolbypassrls then 'bypassrls' end,
    case when not r.rolinherit then 'noinherit' end
  )::text as attributes,
  coalesce(
    (
      select pg_catalog.string_agg(distinct g.rolname::text, ' ')
      from pg_catalog.pg_auth_members as m
      join pg_catalog.pg_roles as g on g.oid = m.roleid
      where m.member = r.oid
    ),
    ''
  )::text as member_of,
  r.rolvaliduntil::text as valid_until,
  nullif(r.rolconnlimit, -1)::int8 as connection_limit
from pg_catalog.pg_roles as r
where r.rolname !~ '^pg_'
