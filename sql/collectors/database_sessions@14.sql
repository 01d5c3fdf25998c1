-- name: database_sessions
-- reads: pg_stat_database: how many sessions every database had, how they spent their time and how they ended
-- scope: instance
-- interval: 60s
-- timeout: 2s
-- versions: 14-17
-- privileges: none
-- needs: pg_stat_database.session_time
-- keeps: changes
-- columns: database_id=key database=key since_us=epoch
-- columns: session_us=counter active_us=counter idle_in_transaction_us=counter
-- columns: sessions=counter sessions_abandoned=counter sessions_fatal=counter sessions_killed=counter
-- columns: parallel_workers_to_launch=counter parallel_workers_launched=counter
--
-- The counters exist from PostgreSQL 14 on, those of parallel workers from 18 on. A session is counted with its time
-- when it ends a statement; abandoned ones lost their client, fatal ones an error ended, killed ones an operator.

select
  s.datid::int8::text as database_id,
  s.datname::text as database,
  coalesce((extract(epoch from s.stats_reset) * 1000000)::int8, 0)::int8 as since_us,
  (s.session_time * 1000)::int8 as session_us,
  (s.active_time * 1000)::int8 as active_us,
  (s.idle_in_transaction_time * 1000)::int8 as idle_in_transaction_us,
  s.sessions::int8 as sessions,
  s.sessions_abandoned::int8 as sessions_abandoned,
  s.sessions_fatal::int8 as sessions_fatal,
  s.sessions_killed::int8 as sessions_killed,
  null::int8 as parallel_workers_to_launch,
  null::int8 as parallel_workers_launched
from pg_catalog.pg_stat_database as s
join pg_catalog.pg_database as d on d.oid = s.datid
where d.datallowconn and not d.datistemplate
