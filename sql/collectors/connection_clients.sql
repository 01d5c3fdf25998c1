-- name: connection_clients
-- reads: pg_stat_activity: client sessions by the address they come from
-- scope: instance
-- interval: 60s
-- timeout: 2s
-- versions: 13-18
-- privileges: pg_read_all_stats
-- columns: client=key sessions=gauge idle=gauge idle_in_transaction=gauge active=gauge oldest_session_ms=gauge
--
-- What is not among the 100 addresses with the most sessions is counted as `(other)`; sessions by way of a socket
-- file come from `local`.

with ranked as (
  select
    coalesce(pg_catalog.host(a.client_addr), 'local') as client,
    count(*) as sessions,
    count(*) filter (where a.state = 'idle') as idle,
    count(*) filter (where a.state like 'idle in transaction%') as idle_in_transaction,
    count(*) filter (where a.state in ('active', 'fastpath function call')) as active,
    max(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.backend_start) * 1000) as session_ms,
    pg_catalog.row_number() over (
      order by count(*) desc, coalesce(pg_catalog.host(a.client_addr), 'local')
    ) <= 100 as shown
  from pg_catalog.pg_stat_activity as a
  where a.backend_type = 'client backend' and a.pid <> pg_catalog.pg_backend_pid()
  group by coalesce(pg_catalog.host(a.client_addr), 'local')
)
select
  (case when shown then client else '(other)' end)::text as client,
  sum(sessions)::int8 as sessions,
  sum(idle)::int8 as idle,
  sum(idle_in_transaction)::int8 as idle_in_transaction,
  sum(active)::int8 as active,
  (case when max(session_ms) is not null then greatest(0, max(session_ms)) end)::int8 as oldest_session_ms
from ranked
group by 1
