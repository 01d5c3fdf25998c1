-- name: statement_entries
-- reads: pg_stat_statements_info: how full pg_stat_statements is, and how often it had to evict statements
-- scope: instance
-- interval: 60s
-- timeout: 5s
-- versions: 13-18
-- privileges: none
-- extension: pg_stat_statements 1.4-1.8
-- needs: pg_stat_statements.queryid
-- columns: stats_reset=epoch entries=gauge most_entries=gauge evictions=counter
--
-- Before 1.9 evictions are not counted; a pg_stat_statements that is always full has them.

select
  null::timestamp as stats_reset,
  (select count(*) from extension_schema.pg_stat_statements(false))::int8 as entries,
  pg_catalog.current_setting('pg_stat_statements.max', true)::int8 as most_entries,
  null::int8 as evictions
