-- name: replication_slot_decoding
-- reads: pg_stat_replication_slots: what logical slots decoded, streamed, and spilled to disk for want of memory
-- scope: instance
-- interval: 60s
-- timeout: 2s
-- versions: 14-18
-- privileges: none
-- needs: pg_stat_replication_slots.total_bytes
-- columns: slot=key since_us=epoch total_transactions=counter total_bytes=counter
-- columns: spilled_transactions=counter spills=counter spilled_bytes=counter
-- columns: streamed_transactions=counter streams=counter streamed_bytes=counter

select
  s.slot_name::text as slot,
  coalesce((extract(epoch from s.stats_reset) * 1000000)::int8, 0)::int8 as since_us,
  s.total_txns::int8 as total_transactions,
  s.total_bytes::int8 as total_bytes,
  s.spill_txns::int8 as spilled_transactions,
  s.spill_count::int8 as spills,
  s.spill_bytes::int8 as spilled_bytes,
  s.stream_txns::int8 as streamed_transactions,
  s.stream_count::int8 as streams,
  s.stream_bytes::int8 as streamed_bytes
from pg_catalog.pg_stat_replication_slots as s
