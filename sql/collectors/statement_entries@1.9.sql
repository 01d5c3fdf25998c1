-- name: statement_entries
-- reads: pg_stat_statements_info: how full pg_stat_statements is, and how often it had to evict statements
-- scope: instance
-- interval: 60s
-- timeout: 5s
-- versions: 14-18
-- privileges: none
-- extension: pg_stat_statements 1.9-1.12
-- needs: pg_stat_statements.queryid pg_stat_statements.toplevel
-- columns: stats_reset=epoch entries=gauge most_entries=gauge evictions=counter
--
-- An eviction takes the twentieth of the statements that run least, with what they counted since they were last read.
-- Where evictions go on, the samples of rare statements are less than what happened: raise `pg_stat_statements.max`.

select
  (info.stats_reset at time zone 'UTC')::timestamp as stats_reset,
  (select count(*) from extension_schema.pg_stat_statements(false))::int8 as entries,
  pg_catalog.current_setting('pg_stat_statements.max', true)::int8 as most_entries,
  info.dealloc::int8 as evictions
from extension_schema.pg_stat_statements_info as info
