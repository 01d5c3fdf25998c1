-- name: setting_overrides
-- reads: pg_db_role_setting: settings made for a database or a role (`alter database … set`, `alter role … set`)
-- scope: instance
-- interval: 600s
-- timeout: 5s
-- versions: 13-18
-- privileges: none
-- keeps: changes
-- columns: database=key role=key setting=key value=text
--
-- For all databases or all roles the name is empty. Applications keep secrets in settings of their own: only of those
-- that the server itself knows, and that are no free text, the value is shown.

select
  coalesce(d.datname::text, '')::text as database,
  coalesce(r.rolname::text, '')::text as role,
  pg_catalog.split_part(o.entry, '=', 1)::text as setting,
  (
    case
      when
        s.vartype <> 'string'
        or s.name in ('search_path', 'TimeZone', 'DateStyle', 'default_tablespace', 'temp_tablespaces')
        then pg_catalog.substr(o.entry, pg_catalog.strpos(o.entry, '=') + 1)
      else '(hidden)'
    end
  )::text as value
from pg_catalog.pg_db_role_setting as made
cross join lateral pg_catalog.unnest(made.setconfig) as o (entry)
left join pg_catalog.pg_database as d on d.oid = made.setdatabase
left join pg_catalog.pg_roles as r on r.oid = made.setrole
left join pg_catalog.pg_settings as s on s.name = pg_catalog.split_part(o.entry, '=', 1)
