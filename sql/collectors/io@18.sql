-- name: io
-- reads: pg_stat_io: reads, writes and syncs by who does them, on what and in what way
-- scope: instance
-- interval: 60s
-- timeout: 2s
-- versions: 18
-- privileges: none
-- needs: pg_stat_io.reads pg_stat_io.read_bytes
-- keeps: changes
-- columns: backend_type=key object=key context=key since_us=epoch
-- columns: reads=counter read_bytes=counter read_us=counter writes=counter write_bytes=counter write_us=counter
-- columns: writebacks=counter writeback_us=counter extends=counter extend_bytes=counter extend_us=counter
-- columns: hits=counter evictions=counter reuses=counter fsyncs=counter fsync_us=counter
--
-- What cannot happen is null. The times are measured only while track_io_timing is on (for WAL: track_wal_io_timing).

select
  i.backend_type::text as backend_type,
  i.object::text as object,
  i.context::text as context,
  coalesce((extract(epoch from i.stats_reset) * 1000000)::int8, 0)::int8 as since_us,
  i.reads::int8 as reads,
  i.read_bytes::int8 as read_bytes,
  (i.read_time * 1000)::int8 as read_us,
  i.writes::int8 as writes,
  i.write_bytes::int8 as write_bytes,
  (i.write_time * 1000)::int8 as write_us,
  i.writebacks::int8 as writebacks,
  (i.writeback_time * 1000)::int8 as writeback_us,
  i.extends::int8 as extends,
  i.extend_bytes::int8 as extend_bytes,
  (i.extend_time * 1000)::int8 as extend_us,
  i.hits::int8 as hits,
  i.evictions::int8 as evictions,
  i.reuses::int8 as reuses,
  i.fsyncs::int8 as fsyncs,
  (i.fsync_time * 1000)::int8 as fsync_us
from pg_catalog.pg_stat_io as i
