-- The roles that must be there before the schema can belong to them.
select wanted.name::text as name
from pg_catalog.unnest(array[
  'pgvitals_owner', 'pgvitals_writer', 'pgvitals_alerter', 'pgvitals_manager', 'pgvitals_viewer', 'pgvitals_operator',
  'pgvitals_collector', 'pgvitals_maintenance'
]) as wanted (name)
where not exists (select 1 from pg_catalog.pg_roles as r where r.rolname = wanted.name)
order by wanted.name
