-- What a load is run against: version, patients, and how many more sessions the server would take.
select
  pg_catalog.current_setting('server_version_num')::int8 as server_version,
  (select count(*) from guardian.patients)::int8 as patients,
  (pg_catalog.current_setting('max_connections')::int8 - (
    select count(*) from pg_catalog.pg_stat_activity as a where a.backend_type = 'client backend'
  ))::int8 as free_sessions
