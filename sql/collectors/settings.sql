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
-- What the monitor's own session has set (timeouts, read only) is told as it is without that, its source as unknown;
-- what the session has brought along (names, encodings) is left out. No password is stored: connection strings and
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
        pg_catalog.regexp_replace(s.setting, '://[^/@\s]+@', '://***@', 'g'),
        '((passw|secret|token|key)[a-z_-]*\s*[=:]\s*)(''[^'']*''|"[^"]*"|\S+)',
        '\1***',
        'gi'
      )
    end
  )::text as value,
  (case when s.source <> 'session' then s.source end)::text as source,
  s.pending_restart::text as pending_restart
from pg_catalog.pg_settings as s
where s.source <> 'client' and s.name <> 'application_name' and s.name !~ '^transaction_'
