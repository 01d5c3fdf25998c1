-- name: subscriptions
-- reads: pg_stat_subscription: how far each subscription of logical replication is, and what went wrong
-- scope: instance
-- interval: 60s
-- timeout: 2s
-- versions: 18
-- privileges: pg_read_all_stats
-- needs: pg_stat_subscription.subid pg_stat_subscription_stats.apply_error_count pg_stat_subscription_stats.confl_insert_exists
-- columns: subscription_id=key subscription=key database=label enabled=text since_us=epoch
-- columns: apply_workers=gauge synchronization_workers=gauge
-- columns: received_position_bytes=gauge reported_position_bytes=gauge
-- columns: message_sent_at_seconds=gauge message_received_at_seconds=gauge reported_at_seconds=gauge
-- columns: apply_errors=counter synchronization_errors=counter conflicts=counter
--
-- A subscription that is enabled and has no worker that applies is down. Errors are counted from PostgreSQL 15 on,
-- conflicts of every kind together from 18 on.

with worker as (
  select
    w.subid, w.subname,
    count(w.pid) filter (where w.relid is null) as apply_workers,
    count(w.pid) filter (where w.relid is not null) as synchronization_workers,
    max(w.received_lsn) as received,
    max(w.latest_end_lsn) as reported,
    max(w.last_msg_send_time) as message_sent,
    max(w.last_msg_receipt_time) as message_received,
    max(w.latest_end_time) as reported_at
  from pg_catalog.pg_stat_subscription as w
  group by w.subid, w.subname
)
select
  w.subid::int8::text as subscription_id,
  w.subname::text as subscription,
  d.datname::text as database,
  s.subenabled::text as enabled,
  coalesce((extract(epoch from e.stats_reset) * 1000000)::int8, 0)::int8 as since_us,
  w.apply_workers::int8 as apply_workers,
  w.synchronization_workers::int8 as synchronization_workers,
  pg_catalog.pg_wal_lsn_diff(w.received, '0/0')::int8 as received_position_bytes,
  pg_catalog.pg_wal_lsn_diff(w.reported, '0/0')::int8 as reported_position_bytes,
  extract(epoch from w.message_sent)::int8 as message_sent_at_seconds,
  extract(epoch from w.message_received)::int8 as message_received_at_seconds,
  extract(epoch from w.reported_at)::int8 as reported_at_seconds,
  e.apply_error_count::int8 as apply_errors,
  e.sync_error_count::int8 as synchronization_errors,
  (
    e.confl_insert_exists + e.confl_update_origin_differs + e.confl_update_exists + e.confl_update_missing
    + e.confl_delete_origin_differs + e.confl_delete_missing + e.confl_multiple_unique_conflicts
  )::int8 as conflicts
from worker as w
join pg_catalog.pg_subscription as s on s.oid = w.subid
join pg_catalog.pg_database as d on d.oid = s.subdbid
left join pg_catalog.pg_stat_subscription_stats as e on e.subid = w.subid
