-- name: background_writer
-- reads: pg_stat_bgwriter: buffers that were allocated, and written by the background writer or by sessions
-- scope: instance
-- interval: 60s
-- timeout: 2s
-- versions: 13-16
-- privileges: none
-- needs: pg_stat_bgwriter.buffers_clean pg_stat_bgwriter.buffers_backend
-- columns: stats_reset=epoch buffers_clean=counter maxwritten_clean=counter buffers_alloc=counter
-- columns: buffers_backend=counter buffers_backend_fsync=counter
--
-- What sessions wrote and synced themselves is told here until PostgreSQL 16; from then on `io` has it in detail.

select
  (s.stats_reset at time zone 'UTC')::timestamp as stats_reset,
  s.buffers_clean::int8 as buffers_clean,
  s.maxwritten_clean::int8 as maxwritten_clean,
  s.buffers_alloc::int8 as buffers_alloc,
  s.buffers_backend::int8 as buffers_backend,
  s.buffers_backend_fsync::int8 as buffers_backend_fsync
from pg_catalog.pg_stat_bgwriter as s
