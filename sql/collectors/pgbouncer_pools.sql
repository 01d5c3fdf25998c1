-- name: pgbouncer_pools
-- reads: SHOW POOLS: the clients and server connections of each pool of a PgBouncer, and how long clients wait
-- target: pgbouncer
-- scope: database
-- interval: 15s
-- timeout: 2s
-- versions: 1.18
-- privileges: none
-- columns: database=key user=key pool_mode=text
-- columns: cl_active=gauge cl_waiting=gauge cl_active_cancel_req=gauge cl_waiting_cancel_req=gauge
-- columns: sv_active=gauge sv_active_cancel=gauge sv_being_canceled=gauge sv_idle=gauge sv_used=gauge sv_tested=gauge
-- columns: sv_login=gauge maxwait=gauge maxwait_us=gauge
-- percentiles: cl_waiting sv_active
--
-- The names are those of PgBouncer. How long the client waits that has waited longest is maxwait, in seconds, plus
-- maxwait_us, in microseconds below a second. A column that a release lacks is null.

show pools
