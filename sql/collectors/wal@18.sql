-- name: wal
-- reads: the position in the write-ahead log and pg_stat_wal: how much WAL is written (on a replica: replayed)
-- scope: instance
-- interval: 15s
-- timeout: 2s
-- versions: 18
-- privileges: none
-- needs: pg_stat_wal.wal_bytes pg_stat_io.read_bytes
-- columns: stats_reset=epoch position_bytes=counter records=counter full_page_images=counter bytes=counter
-- columns: buffers_full=counter writes=counter syncs=counter write_us=counter sync_us=counter
--
-- From PostgreSQL 18 on the writes and their times come from pg_stat_io (without the filling of new segments). The
-- times are measured only while track_wal_io_timing is on.

select
  (greatest(s.stats_reset, io.stats_reset) at time zone 'UTC')::timestamp as stats_reset,
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
  io.writes::int8 as writes,
  io.fsyncs::int8 as syncs,
  io.write_us::int8 as write_us,
  io.fsync_us::int8 as sync_us
from pg_catalog.pg_stat_wal as s
cross join (
  select
    max(i.stats_reset) as stats_reset,
    sum(i.writes) as writes,
    sum(i.fsyncs) as fsyncs,
    sum(i.write_time) * 1000 as write_us,
    sum(i.fsync_time) * 1000 as fsync_us
  from pg_catalog.pg_stat_io as i
  where i.object = 'wal' and i.context = 'normal'
) as io
