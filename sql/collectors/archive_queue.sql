-- name: archive_queue
-- reads: pg_ls_archive_statusdir: segments that wait for being archived
-- scope: instance
-- interval: 60s
-- timeout: 5s
-- versions: 13-18
-- privileges: pg_monitor
-- columns: pending=gauge pending_bytes=gauge oldest_pending_at_seconds=gauge

select
  count(*)::int8 as pending,
  (
    count(*) * (
      select s.setting::int8 from pg_catalog.pg_settings as s where s.name = 'wal_segment_size'
    )
  )::int8 as pending_bytes,
  extract(epoch from min(f.modification))::int8 as oldest_pending_at_seconds
from pg_catalog.pg_ls_archive_statusdir() as f
where f.name like '%.ready'
