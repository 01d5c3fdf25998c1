-- name: slru
-- reads: pg_stat_slru: the small caches of transaction states, subtransactions, notifications and multixacts
-- scope: instance
-- interval: 60s
-- timeout: 2s
-- versions: 13-18
-- privileges: none
-- keeps: changes
-- columns: cache=key since_us=epoch hit=counter read=counter written=counter zeroed=counter
-- columns: existed=counter flushes=counter truncates=counter
--
-- In blocks. The names are those of the server, which changed in PostgreSQL 17.

select
  s.name::text as cache,
  coalesce((extract(epoch from s.stats_reset) * 1000000)::int8, 0)::int8 as since_us,
  s.blks_hit::int8 as hit,
  s.blks_read::int8 as read,
  s.blks_written::int8 as written,
  s.blks_zeroed::int8 as zeroed,
  s.blks_exists::int8 as existed,
  s.flushes::int8 as flushes,
  s.truncates::int8 as truncates
from pg_catalog.pg_stat_slru as s
