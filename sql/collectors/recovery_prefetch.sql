-- name: recovery_prefetch
-- reads: pg_stat_recovery_prefetch: blocks that replay asked for ahead of time
-- scope: instance
-- interval: 60s
-- timeout: 2s
-- versions: 15-18
-- privileges: none
-- needs: pg_stat_recovery_prefetch.prefetch
-- keeps: changes
-- columns: stats_reset=epoch prefetched=counter hit=counter skipped_init=counter skipped_new=counter
-- columns: skipped_full_page=counter skipped_repeated=counter
-- columns: wal_distance_bytes=gauge block_distance_blocks=gauge io_depth=gauge

select
  (p.stats_reset at time zone 'UTC')::timestamp as stats_reset,
  p.prefetch::int8 as prefetched,
  p.hit::int8 as hit,
  p.skip_init::int8 as skipped_init,
  p.skip_new::int8 as skipped_new,
  p.skip_fpw::int8 as skipped_full_page,
  p.skip_rep::int8 as skipped_repeated,
  p.wal_distance::int8 as wal_distance_bytes,
  p.block_distance::int8 as block_distance_blocks,
  p.io_depth::int8 as io_depth
from pg_catalog.pg_stat_recovery_prefetch as p
