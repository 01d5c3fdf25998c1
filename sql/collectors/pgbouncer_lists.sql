-- name: pgbouncer_lists
-- reads: SHOW LISTS: how many databases, users, pools, clients and server connections a PgBouncer has
-- target: pgbouncer
-- scope: database
-- interval: 60s
-- timeout: 2s
-- versions: 1.18
-- privileges: none
-- keeps: changes
-- columns: list=key items=gauge

show lists
