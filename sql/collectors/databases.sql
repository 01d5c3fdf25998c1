-- name: databases
-- reads: pg_stat_database: the counters of every database but the templates
-- scope: instance
-- interval: 15s
-- timeout: 2s
-- versions: 13-18
-- privileges: none
-- keeps: own
-- columns: database_key=key database=label since_us=epoch backends=gauge
-- columns: commits=counter rollbacks=counter blocks_read=counter blocks_hit=counter
-- columns: rows_returned=counter rows_fetched=counter rows_inserted=counter rows_updated=counter rows_deleted=counter
-- columns: conflicts=counter temp_files=counter temp_bytes=counter deadlocks=counter read_us=counter write_us=counter
--
-- A database that nobody may connect to (as `rdsadmin` of a provider) is not ours to watch. The key has
-- the number of the database before its name, so that one that was renamed or made again is another one.

select
  (s.datid::int8::text || '/' || s.datname::text)::text as database_key,
  s.datname::text as database,
  coalesce((extract(epoch from s.stats_reset) * 1000000)::int8, 0)::int8 as since_us,
  s.numbackends::int8 as backends,
  s.xact_commit::int8 as commits,
  s.xact_rollback::int8 as rollbacks,
  s.blks_read::int8 as blocks_read,
  s.blks_hit::int8 as blocks_hit,
  s.tup_returned::int8 as rows_returned,
  s.tup_fetched::int8 as rows_fetched,
  s.tup_inserted::int8 as rows_inserted,
  s.tup_updated::int8 as rows_updated,
  s.tup_deleted::int8 as rows_deleted,
  s.conflicts::int8 as conflicts,
  s.temp_files::int8 as temp_files,
  s.temp_bytes::int8 as temp_bytes,
  s.deadlocks::int8 as deadlocks,
  (s.blk_read_time * 1000)::int8 as read_us,
  (s.blk_write_time * 1000)::int8 as write_us
from pg_catalog.pg_stat_database as s
join pg_catalog.pg_database as d on d.oid = s.datid
where d.datallowconn and not d.datistemplate
