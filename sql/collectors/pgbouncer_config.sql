-- name: pgbouncer_config
-- reads: SHOW CONFIG: the settings of a PgBouncer, and every change of one
-- target: pgbouncer
-- scope: database
-- interval: 300s
-- timeout: 2s
-- versions: 1.18
-- privileges: none
-- keeps: changes
-- columns: key=key value=setting

show config
