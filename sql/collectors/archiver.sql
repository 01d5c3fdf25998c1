-- name: archiver
-- reads: pg_stat_archiver: segments that were archived and attempts that failed
-- scope: instance
-- interval: 60s
-- timeout: 2s
-- versions: 13-18
-- privileges: none
-- columns: stats_reset=epoch archived=counter failed=counter
-- columns: last_archived_at_seconds=gauge last_failed_at_seconds=gauge failing=gauge
--
-- `failing` is 1 while the last attempt failed. Where nothing is archived (archive_mode) it is null.

select
  (s.stats_reset at time zone 'UTC')::timestamp as stats_reset,
  s.archived_count::int8 as archived,
  s.failed_count::int8 as failed,
  extract(epoch from s.last_archived_time)::int8 as last_archived_at_seconds,
  extract(epoch from s.last_failed_time)::int8 as last_failed_at_seconds,
  (
    case
      when pg_catalog.current_setting('archive_mode') = 'off' then null
      when s.last_failed_time is null then 0
      when s.last_archived_time is null or s.last_failed_time > s.last_archived_time then 1
      else 0
    end
  )::int8 as failing
from pg_catalog.pg_stat_archiver as s
