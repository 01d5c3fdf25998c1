-- name: replication_lag
-- reads: whether the server is a replica, and how far behind what it has received it is
-- scope: instance
-- interval: 15s
-- timeout: 2s
-- versions: 13-18
-- privileges: none
-- percentiles: lag_ms lag_bytes
-- columns: is_replica=gauge lag_ms=gauge last_replay_ms=gauge lag_bytes=gauge
-- columns: received_position_bytes=gauge replayed_position_bytes=gauge replay_paused=gauge
--
-- `lag_ms` is zero while all that was received is replayed, as postgres_exporter counts it; else it is the age of the
-- last transaction that was replayed (`last_replay_ms`). A replica that receives nothing looks well by it: see
-- `wal_receiver`.

with recovery as materialized (
  select
    pg_catalog.pg_is_in_recovery() as is_replica,
    pg_catalog.pg_last_wal_receive_lsn() as received,
    pg_catalog.pg_last_wal_replay_lsn() as replayed,
    pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp()) * 1000
      as last_replay_ms
)
select
  r.is_replica::int4::int8 as is_replica,
  (
    case
      when not r.is_replica or r.received = r.replayed then 0
      when r.last_replay_ms < 0 then 0
      else r.last_replay_ms
    end
  )::int8 as lag_ms,
  (case when r.is_replica then r.last_replay_ms end)::int8 as last_replay_ms,
  (
    case when r.is_replica then pg_catalog.pg_wal_lsn_diff(greatest(r.received, r.replayed), r.replayed) end
  )::int8 as lag_bytes,
  (case when r.is_replica then pg_catalog.pg_wal_lsn_diff(r.received, '0/0') end)::int8 as received_position_bytes,
  (case when r.is_replica then pg_catalog.pg_wal_lsn_diff(r.replayed, '0/0') end)::int8 as replayed_position_bytes,
  (case when r.is_replica then pg_catalog.pg_is_wal_replay_paused()::int4 end)::int8 as replay_paused
from recovery as r
