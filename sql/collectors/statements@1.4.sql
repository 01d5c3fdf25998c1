-- name: statements
-- reads: pg_stat_statements(false): every statement of the server, without the texts, once per server
-- scope: instance
-- interval: 15s
-- timeout: 5s
-- versions: 13-18
-- privileges: pg_read_all_stats
-- extension: pg_stat_statements 1.4-1.7
-- needs: pg_stat_statements.total_time pg_stat_statements.blk_read_time
-- keeps: own
-- columns: statement_key=key database=label user_name=label query_id=label top_level=label own=label
-- columns: stats_reset=epoch since_us=epoch shortest_us=gauge longest_us=gauge io_timed=gauge planning_timed=gauge
-- columns: calls=counter plans=counter plan_us=counter exec_us=counter exec_squares=counter rows=counter
-- columns: shared_hit=counter shared_read=counter shared_dirtied=counter shared_written=counter
-- columns: local_hit=counter local_read=counter local_dirtied=counter local_written=counter
-- columns: temp_read=counter temp_written=counter
-- columns: read_us=counter write_us=counter local_read_us=counter local_write_us=counter
-- columns: temp_read_us=counter temp_write_us=counter
-- columns: wal_records=counter wal_full_page_images=counter wal_bytes=counter jit_functions=counter jit_us=counter
--
-- 1.4 to 1.7 live on in servers that were upgraded without `alter extension … update`: no planning time, no WAL. Newer
-- servers count nested statements apart and show both under one key to such a version: they are added up here.
-- `extension_schema` stands for the schema that pg_stat_statements was created in. The statements of the monitor's own
-- logins are counted like all others, so that its cost can be seen, and marked `own`, so that no rule fires on them.
-- `exec_squares` sums the squares of the execution times in hundredths of ms², from the count, the mean and the standard
-- deviation: its differences give the standard deviation of an interval. It ends at 9e18, 7,000 executions of an hour.
-- `shortest_us` and `longest_us` tell a statement that was evicted and returned from one that stayed.

select
  (
    s.dbid::int8::text || '/' || s.userid::int8::text || '/' || s.queryid::text || '/' || 't'
  )::text as statement_key,
  d.datname::text as database,
  r.rolname::text as user_name,
  s.queryid::int8 as query_id,
  true::bool as top_level,
  coalesce(r.rolname in (
    'pgvitals_collector', 'pgvitals_maintenance', 'pgvitals_writer', 'pgvitals_alerter', 'pgvitals_manager',
    'pgvitals_viewer', 'pgvitals_operator'
  ), false)::bool as own,
  null::timestamp as stats_reset,
  0::int8 as since_us,
  (min(s.min_time) * 1000)::int8 as shortest_us,
  (max(s.max_time) * 1000)::int8 as longest_us,
  pg_catalog.current_setting('track_io_timing')::bool::int4::int8 as io_timed,
  null::int8 as planning_timed,
  sum(s.calls)::int8 as calls,
  null::int8 as plans,
  null::int8 as plan_us,
  (sum(s.total_time) * 1000)::int8 as exec_us,
  least(sum(s.calls * (s.mean_time ^ 2 + s.stddev_time ^ 2)) * 100, 9e18)::int8 as exec_squares,
  sum(s.rows)::int8 as rows,
  sum(s.shared_blks_hit)::int8 as shared_hit,
  sum(s.shared_blks_read)::int8 as shared_read,
  sum(s.shared_blks_dirtied)::int8 as shared_dirtied,
  sum(s.shared_blks_written)::int8 as shared_written,
  sum(s.local_blks_hit)::int8 as local_hit,
  sum(s.local_blks_read)::int8 as local_read,
  sum(s.local_blks_dirtied)::int8 as local_dirtied,
  sum(s.local_blks_written)::int8 as local_written,
  sum(s.temp_blks_read)::int8 as temp_read,
  sum(s.temp_blks_written)::int8 as temp_written,
  (sum(s.blk_read_time) * 1000)::int8 as read_us,
  (sum(s.blk_write_time) * 1000)::int8 as write_us,
  null::int8 as local_read_us,
  null::int8 as local_write_us,
  null::int8 as temp_read_us,
  null::int8 as temp_write_us,
  null::int8 as wal_records,
  null::int8 as wal_full_page_images,
  null::int8 as wal_bytes,
  null::int8 as jit_functions,
  null::int8 as jit_us
from extension_schema.pg_stat_statements(false) as s
left join pg_catalog.pg_database as d on d.oid = s.dbid
left join pg_catalog.pg_roles as r on r.oid = s.userid
group by s.dbid, s.userid, s.queryid, d.datname, r.rolname
