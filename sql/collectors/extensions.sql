-- name: extensions
-- reads: pg_extension: the extensions of the database, their versions, and those that the server would install
-- scope: database
-- interval: 3600s
-- timeout: 5s
-- versions: 13-18
-- privileges: none
-- keeps: changes
-- columns: extension=key schema=label version=text default_version=text outdated=gauge
--
-- `outdated` is 1 where the version is not the one that `create extension` would install now, as after pg_upgrade without
-- `alter extension … update`; it is not known (null) where the files of the extension are not there.

select
  e.extname::text as extension,
  n.nspname::text as schema,
  e.extversion::text as version,
  a.default_version::text as default_version,
  (e.extversion <> a.default_version)::int4::int8 as outdated
from pg_catalog.pg_extension as e
join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
left join pg_catalog.pg_available_extensions() as a (name, default_version, comment) on a.name = e.extname
