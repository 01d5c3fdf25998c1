-- name: checkpoints
-- reads: pg_stat_checkpointer: checkpoints, why they were made and what they wrote; when the last one was
-- scope: instance
-- interval: 60s
-- timeout: 2s
-- versions: 18
-- privileges: none
-- needs: pg_stat_checkpointer.num_timed pg_stat_checkpointer.num_done pg_stat_checkpointer.slru_written
-- columns: stats_reset=epoch timed=counter requested=counter done=counter
-- columns: restartpoints_timed=counter restartpoints_requested=counter restartpoints_done=counter
-- columns: write_ms=counter sync_ms=counter buffers_written=counter slru_written=counter
-- columns: last_checkpoint_at_seconds=gauge wal_since_redo_bytes=gauge
--
-- `timed` and `requested` count also those that were skipped since there was nothing to write; `done` does not.
-- `wal_since_redo_bytes` is what the server would have to replay after a crash at this moment.

select
  (s.stats_reset at time zone 'UTC')::timestamp as stats_reset,
  s.num_timed::int8 as timed,
  s.num_requested::int8 as requested,
  s.num_done::int8 as done,
  s.restartpoints_timed::int8 as restartpoints_timed,
  s.restartpoints_req::int8 as restartpoints_requested,
  s.restartpoints_done::int8 as restartpoints_done,
  s.write_time::int8 as write_ms,
  s.sync_time::int8 as sync_ms,
  s.buffers_written::int8 as buffers_written,
  s.slru_written::int8 as slru_written,
  extract(epoch from control.checkpoint_time)::int8 as last_checkpoint_at_seconds,
  pg_catalog.pg_wal_lsn_diff(
    case
      when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
      else pg_catalog.pg_current_wal_lsn()
    end,
    control.redo_lsn
  )::int8 as wal_since_redo_bytes
from pg_catalog.pg_stat_checkpointer as s
cross join pg_catalog.pg_control_checkpoint() as control
