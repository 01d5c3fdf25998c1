-- name: server
-- reads: what the server is, since when it runs and what its clock says
-- interval: 15s
-- timeout: 2s
-- versions: 13-18
-- privileges: none
-- columns: server_version=gauge started_at=epoch in_recovery=gauge at=gauge
--
-- The start of the postmaster is part of every epoch: a restart or a failover begins the counters anew.

select
  pg_catalog.current_setting('server_version_num')::int8 as server_version,
  pg_catalog.pg_postmaster_start_time()::timestamptz as started_at,
  pg_catalog.pg_is_in_recovery()::bool as in_recovery,
  pg_catalog.clock_timestamp()::timestamptz as at
