-- name: activity
-- reads: pg_stat_activity: the client connections of the server at this moment, in one row
-- scope: instance
-- interval: 15s
-- timeout: 2s
-- versions: 13-18
-- privileges: pg_read_all_stats
-- keeps: own
-- columns: connections=gauge max_connections=gauge reserved_connections=gauge
-- columns: active=gauge idle=gauge idle_in_transaction=gauge idle_in_transaction_aborted=gauge waiting_on_lock=gauge
-- columns: longest_transaction_ms=gauge longest_statement_ms=gauge oldest_idle_in_transaction_ms=gauge
--
-- The monitor's own connection takes a place and is counted as one; what it is doing is not counted.
-- `reserved_connections` exists from PostgreSQL 16 on; both reserves are out of reach of ordinary logins.

with moment as materialized (
  select pg_catalog.clock_timestamp() as at
),
client as materialized (
  select
    a.state,
    a.pid <> pg_catalog.pg_backend_pid() as other,
    a.wait_event_type,
    pg_catalog.date_part('epoch', moment.at - a.xact_start) * 1000 as transaction_ms,
    pg_catalog.date_part('epoch', moment.at - a.query_start) * 1000 as statement_ms,
    pg_catalog.date_part('epoch', moment.at - a.state_change) * 1000 as state_ms
  from pg_catalog.pg_stat_activity as a
  cross join moment
  where a.backend_type = 'client backend'
)
select
  count(*)::int8 as connections,
  pg_catalog.current_setting('max_connections')::int8 as max_connections,
  (
    pg_catalog.current_setting('superuser_reserved_connections')::int8
    + coalesce(pg_catalog.current_setting('reserved_connections', true), '0')::int8
  )::int8 as reserved_connections,
  (count(*) filter (where other and state = 'active'))::int8 as active,
  (count(*) filter (where other and state = 'idle'))::int8 as idle,
  (count(*) filter (where other and state = 'idle in transaction'))::int8 as idle_in_transaction,
  (count(*) filter (where other and state = 'idle in transaction (aborted)'))::int8 as idle_in_transaction_aborted,
  (count(*) filter (where other and wait_event_type = 'Lock'))::int8 as waiting_on_lock,
  greatest(0, coalesce(max(transaction_ms) filter (where other), 0))::int8 as longest_transaction_ms,
  greatest(0, coalesce(max(statement_ms) filter (where other and state = 'active'), 0))::int8 as longest_statement_ms,
  greatest(0, coalesce(max(state_ms) filter (where other and state like 'idle in transaction%'), 0))::int8
    as oldest_idle_in_transaction_ms
from client
