-- name: statements
-- reads: pg_stat_statements(false): every statement of the server, without the texts, once per server
-- scope: instance
-- interval: 15s
-- timeout: 5s
-- versions: 13-18
-- privileges: pg_read_all_stats
-- extension: pg_stat_statements 1.8
-- needs: pg_stat_statements.total_exec_time pg_stat_statements.blk_read_time
-- keeps: own
-- columns: statement_key=key database=label user_name=label query_id=label top_level=label own=label
-- columns: stats_reset=epoch since_us=epoch
-- columns: calls=counter plan_us=counter exec_us=counter rows=counter
-- columns: shared_hit=counter shared_read=counter shared_dirtied=counter shared_written=counter
-- columns: temp_read=counter temp_written=counter read_us=counter write_us=counter wal_bytes=counter
--
-- 1.8 (PostgreSQL 13) does not say whether a statement was nested, nor when it was reset: counters that fall tell.
-- `extension_schema` stands for the schema that pg_stat_statements was created in. The statements of the monitor's own
-- logins are counted like all others, so that its cost can be seen, and marked `own`, so that no rule fires on them.

select
  (s.dbid::int8::text || '/' || s.userid::int8::text || '/' || s.queryid::text || '/' || 't')::text as statement_key,
  d.datname::text as database,
  r.rolname::text as user_name,
  s.queryid::int8 as query_id,
  true::bool as top_level,
  coalesce(r.rolname in ('pgvitals_collector', 'pgvitals_maintenance'), false)::bool as own,
  null::timestamptz as stats_reset,
  0::int8 as since_us,
  s.calls::int8 as calls,
  (s.total_plan_time * 1000)::int8 as plan_us,
  (s.total_exec_time * 1000)::int8 as exec_us,
  s.rows::int8 as rows,
  s.shared_blks_hit::int8 as shared_hit,
  s.shared_blks_read::int8 as shared_read,
  s.shared_blks_dirtied::int8 as shared_dirtied,
  s.shared_blks_written::int8 as shared_written,
  s.temp_blks_read::int8 as temp_read,
  s.temp_blks_written::int8 as temp_written,
  (s.blk_read_time * 1000)::int8 as read_us,
  (s.blk_write_time * 1000)::int8 as write_us,
  s.wal_bytes::int8 as wal_bytes
from extension_schema.pg_stat_statements(false) as s
left join pg_catalog.pg_database as d on d.oid = s.dbid
left join pg_catalog.pg_roles as r on r.oid = s.userid
where s.queryid is not null
