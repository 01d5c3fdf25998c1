-- name: wal_directory
-- reads: pg_ls_waldir: the segments of the write-ahead log on disk
-- scope: instance
-- interval: 60s
-- timeout: 5s
-- versions: 13-18
-- privileges: pg_monitor
-- columns: segments=gauge bytes=gauge

select
  count(*)::int8 as segments,
  coalesce(sum(f.size), 0)::int8 as bytes
from pg_catalog.pg_ls_waldir() as f
where f.name ~ '^[0-9A-F]{24}$'
