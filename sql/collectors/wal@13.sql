-- name: wal
-- reads: the position in the write-ahead log: how much WAL is written (on a replica: replayed)
-- scope: instance
-- interval: 15s
-- timeout: 2s
-- versions: 13
-- privileges: none
-- needs: pg_locks.granted
-- columns: stats_reset=epoch position_bytes=counter records=counter full_page_images=counter bytes=counter
-- columns: buffers_full=counter writes=counter syncs=counter write_us=counter sync_us=counter
--
-- PostgreSQL 13 tells the position only.

select
  null::timestamp as stats_reset,
  pg_catalog.pg_wal_lsn_diff(
    case
      when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
      else pg_catalog.pg_current_wal_lsn()
    end,
    '0/0'
  )::int8 as position_bytes,
  null::int8 as records,
  null::int8 as full_page_images,
  null::int8 as bytes,
  null::int8 as buffers_full,
  null::int8 as writes,
  null::int8 as syncs,
  null::int8 as write_us,
  null::int8 as sync_us
