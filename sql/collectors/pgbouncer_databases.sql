-- name: pgbouncer_databases
-- reads: SHOW DATABASES: where each database of a PgBouncer leads to, its limits, and whether it is paused or disabled
-- target: pgbouncer
-- scope: database
-- interval: 60s
-- timeout: 2s
-- versions: 1.18
-- privileges: none
-- keeps: changes
-- columns: name=key host=text port=text database=text force_user=text pool_mode=text
-- columns: pool_size=gauge min_pool_size=gauge reserve_pool=gauge reserve_pool_size=gauge
-- columns: max_connections=gauge current_connections=gauge
-- columns: max_client_connections=gauge current_client_connections=gauge paused=gauge disabled=gauge
--
-- The names are those of PgBouncer; later releases call reserve_pool reserve_pool_size. A column that a release lacks is
-- null.

show databases
