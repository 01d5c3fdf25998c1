-- What `pgvitals doctor` has to know of a target, in one row, readable by any login on every version. A setting that is
-- hidden from the login is null, as one that does not exist.
select
  current_setting('server_version_num')::int8 as version_number,
  current_setting('server_version')::text as version,
  current_database()::text as database,
  (
    select coalesce(pg_catalog.array_agg(d.datname::text order by d.oid), '{}')
    from pg_catalog.pg_database as d
    where d.datallowconn and not d.datistemplate and pg_catalog.has_database_privilege(d.oid, 'connect')
  )::text[] as databases,
  (pg_catalog.pg_postmaster_start_time() at time zone 'UTC')::timestamp as started_at,
  current_user::text as login,
  (select s.version::text from pg_catalog.pg_stat_ssl as s where s.pid = pg_catalog.pg_backend_pid()) as tls_version,
  (select setting::text from pg_catalog.pg_settings where name = 'password_encryption') as password_encryption,
  login.rolsuper::bool as is_superuser,
  (login.rolcreaterole or login.rolcreatedb or login.rolreplication or login.rolbypassrls)::bool as is_privileged,
  pg_catalog.pg_has_role('pg_monitor', 'usage')::bool as has_pg_monitor,
  (select extversion::text from pg_catalog.pg_extension where extname = 'pg_stat_statements') as extension_version,
  (
    select default_version::text from pg_catalog.pg_available_extensions where name = 'pg_stat_statements'
  ) as extension_available,
  (select setting::text from pg_catalog.pg_settings where name = 'shared_preload_libraries') as preloaded,
  (select setting::text from pg_catalog.pg_settings where name = 'pg_stat_statements.track') as track,
  (select setting::text from pg_catalog.pg_settings where name = 'pg_stat_statements.track_utility') as track_utility,
  (select setting::text from pg_catalog.pg_settings where name = 'track_io_timing') as track_io_timing,
  (select setting::text from pg_catalog.pg_settings where name = 'track_activities') as track_activities,
  (select setting::text from pg_catalog.pg_settings where name = 'compute_query_id') as compute_query_id,
  current_setting('max_connections')::int8 as max_connections,
  (
    current_setting('superuser_reserved_connections')::int8
    + coalesce(current_setting('reserved_connections', true), '0')::int8
  )::int8 as reserved_connections,
  (select count(*) from pg_catalog.pg_stat_activity where backend_type = 'client backend')::int8 as connections
from pg_catalog.pg_roles as login
where login.rolname = current_user
