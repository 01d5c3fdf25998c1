-- name: replication
-- reads: pg_stat_replication: how far behind each receiver of this server's WAL is, in bytes and in time
-- scope: instance
-- interval: 15s
-- timeout: 2s
-- versions: 13-18
-- privileges: pg_read_all_stats
-- percentiles: replay_lag_us replay_lag_bytes
-- columns: application=key client=key slot=key number=key user_name=label pid=label state=text sync_state=text
-- columns: current_position_bytes=gauge
-- columns: sent_lag_bytes=gauge write_lag_bytes=gauge flush_lag_bytes=gauge replay_lag_bytes=gauge
-- columns: write_lag_us=gauge flush_lag_us=gauge replay_lag_us=gauge
-- columns: sync_priority=gauge xmin_age_xids=gauge reply_at_seconds=gauge connected_at_seconds=gauge
--
-- Without a slot the name is empty. `number` tells receivers apart that are otherwise the same. The times are unknown
-- while nothing is written. On a replica the position is what it has received itself (cascading replication).

with here as materialized (
  select
    case
      when pg_catalog.pg_is_in_recovery()
        then greatest(pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn())
      else pg_catalog.pg_current_wal_lsn()
    end as position
)
select
  coalesce(r.application_name, '')::text as application,
  coalesce(pg_catalog.host(r.client_addr), 'local')::text as client,
  coalesce(s.slot_name::text, '')::text as slot,
  pg_catalog.row_number() over (
    partition by r.application_name, r.client_addr, s.slot_name
    order by r.backend_start, r.pid
  )::text as number,
  r.usename::text as user_name,
  r.pid::text as pid,
  r.state::text as state,
  r.sync_state::text as sync_state,
  pg_catalog.pg_wal_lsn_diff(here.position, '0/0')::int8 as current_position_bytes,
  pg_catalog.pg_wal_lsn_diff(greatest(here.position, r.sent_lsn), r.sent_lsn)::int8 as sent_lag_bytes,
  pg_catalog.pg_wal_lsn_diff(greatest(here.position, r.write_lsn), r.write_lsn)::int8 as write_lag_bytes,
  pg_catalog.pg_wal_lsn_diff(greatest(here.position, r.flush_lsn), r.flush_lsn)::int8 as flush_lag_bytes,
  pg_catalog.pg_wal_lsn_diff(greatest(here.position, r.replay_lsn), r.replay_lsn)::int8 as replay_lag_bytes,
  (extract(epoch from r.write_lag) * 1000000)::int8 as write_lag_us,
  (extract(epoch from r.flush_lag) * 1000000)::int8 as flush_lag_us,
  (extract(epoch from r.replay_lag) * 1000000)::int8 as replay_lag_us,
  r.sync_priority::int8 as sync_priority,
  pg_catalog.age(r.backend_xmin)::int8 as xmin_age_xids,
  extract(epoch from r.reply_time)::int8 as reply_at_seconds,
  extract(epoch from r.backend_start)::int8 as connected_at_seconds
from pg_catalog.pg_stat_replication as r
cross join here
left join pg_catalog.pg_replication_slots as s on s.active_pid = r.pid
