-- Roles that can act as the owner of the schema without being an administrator, other than the one that asks.
with recursive member (oid) as (
  select m.member
  from pg_catalog.pg_auth_members as m
  join pg_catalog.pg_roles as keeper on keeper.oid = m.roleid
  where keeper.rolname = 'pgvitals_owner'
  union
  select m.member from pg_catalog.pg_auth_members as m join member on m.roleid = member.oid
)
select r.rolname::text as name
from member
join pg_catalog.pg_roles as r using (oid)
where not r.rolsuper and not r.rolcreaterole and r.rolname <> session_user
order by 1
limit 1
