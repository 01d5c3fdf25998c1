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
-- that the server itself knows the value is told, and of texts only where they are listed, as in `settings`.

select
  coalesce(d.datname::text, '')::text as database,
  coalesce(r.rolname::text, '')::text as role,
  pg_catalog.split_part(o.entry, '=', 1)::text as setting,
  (
    case
      when
        s.vartype <> 'string' or s.name in (
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
        )
        then pg_catalog.substr(o.entry, pg_catalog.strpos(o.entry, '=') + 1)
      else '(hidden)'
    end
  )::text as value
from pg_catalog.pg_db_role_setting as made
cross join lateral pg_catalog.unnest(made.setconfig) as o (entry)
left join pg_catalog.pg_database as d on d.oid = made.setdatabase
left join pg_catalog.pg_roles as r on r.oid = made.setrole
left join pg_catalog.pg_settings as s on s.name = pg_catalog.split_part(o.entry, '=', 1)
