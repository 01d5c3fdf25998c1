-- name: wal
-- reads: the position in the write-ahead log and pg_stat_wal: how much WAL is written (on a replica: replayed)
-- scope: instance
-- interval: 15s
-- timeout: 2s
-- versions: 14-17
-- privileges: none
-- needs: pg_stat_wal.wal_bytes pg_stat_wal.wal_write
-- columns: stats_reset=epoch position_bytes=counter records=counter full_page_images=counter bytes=counter
-- columns: buffers_full=counter writes=counter syncs=counter write_us=counter sync_us=counter
--
-- The times are measured only while track_wal_io_timing is on.

select
  (s.stats_reset at time zone 'UTC')::timestamp as stats_reset,
  pg_catalog.pg_wal_lsn_diff(
    case
      when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
      else pg_catalog.pg_current_wal_lsn()
    end,
    '0/0'
  )::int8 as position_bytes,
  s.wal_records::int8 as records,
  s.wal_fpi::int8 as full_page_images,
  s.wal_bytes::int8 as bytes,
  s.wal_buffers_full::int8 as buffers_full,
  s.wal_write::int8 as writes,
  s.wal_sync::int8 as syncs,
  (s.wal_write_time * 1000)::int8 as write_us,
  (s.wal_sync_time * 1000)::int8 as sync_us
from pg_catalog.pg_stat_wal as s
