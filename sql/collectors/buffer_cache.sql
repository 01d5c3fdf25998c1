-- name: buffer_cache
-- reads: pg_buffercache_summary: how many buffers of the shared memory are used, dirty and pinned
-- scope: instance
-- interval: 600s
-- timeout: 5s
-- versions: 16-18
-- privileges: pg_monitor
-- extension: pg_buffercache 1.4-1.6
-- needs: pg_stat_io.reads
-- columns: used=gauge unused=gauge dirty=gauge pinned=gauge usage_permille=gauge
--
-- The summary takes no lock and exists from PostgreSQL 16 on. The older view locks one buffer after the other, which
-- is too much for a monitor. `usage_permille` is the average usage count times 1000.

select
  b.buffers_used::int8 as used,
  b.buffers_unused::int8 as unused,
  b.buffers_dirty::int8 as dirty,
  b.buffers_pinned::int8 as pinned,
  (b.usagecount_avg * 1000)::int8 as usage_permille
from extension_schema.pg_buffercache_summary() as b
