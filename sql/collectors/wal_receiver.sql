-- name: wal_receiver
-- reads: pg_stat_wal_receiver: from where and how far this replica receives WAL
-- scope: instance
-- interval: 15s
-- timeout: 2s
-- versions: 13-18
-- privileges: pg_read_all_stats
-- columns: host=key port=key slot=key upstream_node=label status=text
-- columns: written_position_bytes=gauge flushed_position_bytes=gauge start_position_bytes=gauge
-- columns: start_timeline=gauge received_timeline=gauge
-- columns: message_sent_at_seconds=gauge message_received_at_seconds=gauge
-- columns: latest_end_position_bytes=gauge latest_end_at_seconds=gauge
--
-- The connection string is never read: it may hold a password. Without a slot the name is empty. `upstream_node` is
-- the number in a slot that repmgr made.

select
  coalesce(r.sender_host, '')::text as host,
  coalesce(r.sender_port::text, '')::text as port,
  coalesce(r.slot_name, '')::text as slot,
  pg_catalog.substring(r.slot_name, 'repmgr_slot_([0-9]+)')::text as upstream_node,
  r.status::text as status,
  pg_catalog.pg_wal_lsn_diff(r.written_lsn, '0/0')::int8 as written_position_bytes,
  pg_catalog.pg_wal_lsn_diff(r.flushed_lsn, '0/0')::int8 as flushed_position_bytes,
  pg_catalog.pg_wal_lsn_diff(r.receive_start_lsn, '0/0')::int8 as start_position_bytes,
  r.receive_start_tli::int8 as start_timeline,
  r.received_tli::int8 as received_timeline,
  extract(epoch from r.last_msg_send_time)::int8 as message_sent_at_seconds,
  extract(epoch from r.last_msg_receipt_time)::int8 as message_received_at_seconds,
  pg_catalog.pg_wal_lsn_diff(r.latest_end_lsn, '0/0')::int8 as latest_end_position_bytes,
  extract(epoch from r.latest_end_time)::int8 as latest_end_at_seconds
from pg_catalog.pg_stat_wal_receiver as r
