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
-- itself is left out: of these it cannot be seen what the server has. Numbers, truths and choices are told; of texts only
-- those that are listed here, which are names, places and formats. Every other text is hidden: commands, connection
-- strings and what applications and extensions keep in settings of their own may hold passwords.

select
  s.name::text as setting,
  s.unit::text as unit,
  s.vartype::text as kind,
  s.context::text as context,
  (
    case
      when s.vartype <> 'string' or s.value in ('', '(disabled)') or s.name in (
        'archive_library', 'backtrace_functions', 'bonjour_name', 'client_encoding', 'cluster_name', 'config_file',
        'createrole_self_grant', 'data_directory', 'DateStyle', 'debug_io_direct', 'default_table_access_method',
        'default_tablespace', 'default_text_search_config', 'dynamic_library_path', 'event_source',
        'extension_control_path', 'external_pid_file', 'hba_file', 'ident_file', 'jit_provider', 'krb_server_keyfile',
        'lc_collate', 'lc_ctype', 'lc_messages', 'lc_monetary', 'lc_numeric', 'lc_time', 'listen_addresses',
        'local_preload_libraries', 'log_connections', 'log_destination', 'log_directory', 'log_filename',
        'log_line_prefix', 'log_timezone', 'oauth_validator_libraries', 'primary_slot_name', 'promote_trigger_file',
        'recovery_target', 'recovery_target_lsn', 'recovery_target_time', 'recovery_target_timeline',
        'recovery_target_xid', 'restrict_nonsystem_relation_kind', 'search_path', 'server_encoding', 'server_version',
        'session_preload_libraries', 'shared_preload_libraries', 'ssl_ca_file', 'ssl_cert_file', 'ssl_ciphers',
        'ssl_crl_dir', 'ssl_crl_file', 'ssl_dh_params_file', 'ssl_ecdh_curve', 'ssl_groups', 'ssl_key_file',
        'ssl_library', 'ssl_tls13_ciphers', 'stats_temp_directory', 'synchronized_standby_slots',
        'synchronous_standby_names', 'syslog_ident', 'temp_tablespaces', 'TimeZone', 'timezone_abbreviations',
        'unix_socket_directories', 'unix_socket_group', 'wal_consistency_checking', 'cron.database_name',
        'cron.timezone', 'pg_net.database_name', 'pgaudit.log', 'pgaudit.role', 'plpgsql.extra_errors',
        'plpgsql.extra_warnings'
      ) then s.value
      else '(hidden)'
    end
  )::text as value,
  (case when s.source <> 'session' then s.source end)::text as source,
  s.pending_restart::text as pending_restart
from (
  select p.*, case when p.source = 'session' then p.reset_val else p.setting end as value
  from pg_catalog.pg_settings as p
) as s
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
