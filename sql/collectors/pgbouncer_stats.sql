-- name: pgbouncer_stats
-- reads: SHOW STATS: transactions, queries, bytes and times of each database of a PgBouncer, as counters
-- target: pgbouncer
-- scope: database
-- interval: 15s
-- timeout: 2s
-- versions: 1.18
-- privileges: none
-- columns: database=key
-- columns: total_xact_count=counter total_query_count=counter total_received=counter total_sent=counter
-- columns: total_xact_time=counter total_query_time=counter total_wait_time=counter
-- columns: total_server_assignment_count=counter total_client_parse_count=counter total_server_parse_count=counter
-- columns: total_bind_count=counter
--
-- The names are those of PgBouncer: received and sent in bytes, times in microseconds. The averages that it shows beside
-- them follow from the counters. A column that a release lacks is null.

show stats
