-- name: settings
-- reads: pg_settings: the value and the source of every setting, and whether a change waits for a restart
-- scope: instance
-- interval: 600s
-- timeout: 5s
-- versions: 13-18
-- privileges: pg_read_all_settings
-- keeps: changes
-- columns: setting=key unit=label kind=label context=label value=text source=text pending_restart=text
--
-- What the monitor's own session has set (timeouts, read only, whatever is pinned) is told as it is without that, its
-- source as unknown; what the session has brought along (names, encodings, the search path) or was given to the login
-- itself is left out: of these it cannot be seen what the server has. No password is stored: connection strings and
-- passphrase commands are hidden, and in other texts what follows `password=`, `token=` and the like, and the user in
-- a URL.

select
  s.name::text as setting,
  s.unit::text as unit,
  s.vartype::text as kind,
  s.context::text as context,
  (
    case
      when s.source = 'session' then s.reset_val
      when s.setting = '' or s.vartype <> 'string' then s.setting
      when s.name ~ '(conninfo|passphrase|password|secret)' then '(hidden)'
      else pg_catalog.regexp_replace(
        pg_catalog.regexp_replace(s.setting, '://[^/@[:space:]]+@', '://***@', 'g'),
        '((passw|secret|token|key)[a-z_-]*[[:space:]]*[=:][[:space:]]*)(''[^'']*''|"[^"]*"|[^[:space:]]+)',
        e'\\1***',
        'gi'
      )
    end
  )::text as value,
  (case when s.source <> 'session' then s.source end)::text as source,
  s.pending_restart::text as pending_restart
from pg_catalog.pg_settings as s
where s.source <> 'client'
  and s.name not in ('application_name', 'client_encoding', 'search_path')
  and s.name !~ '^transaction_'
  and not exists (
    select from pg_catalog.pg_db_role_setting as given
    join pg_catalog.pg_roles as login on login.oid = given.setrole and login.rolname = session_user
    cross join pg_catalog.unnest(given.setconfig) as entry
    where pg_catalog.lower(pg_catalog.split_part(entry, '=', 1)) = pg_catalog.lower(s.name)
      and (
        given.setdatabase = 0
        or given.setdatabase = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
      )
  )
