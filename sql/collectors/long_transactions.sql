-- name: long_transactions
-- reads: pg_stat_activity: how many transactions are open for how long
-- scope: instance
-- interval: 60s
-- timeout: 2s
-- versions: 13-18
-- privileges: pg_read_all_stats
-- columns: transactions=gauge over_60s=gauge over_300s=gauge over_600s=gauge over_1800s=gauge oldest_ms=gauge
--
-- Open transactions of clients, at work or idle, without the one that asks. The work of autovacuum and of walsenders
-- is none: `autovacuum_workers`, `vacuum_progress` and `replication` have it.

select
  count(*)::int8 as transactions,
  (count(*) filter (where t.open_ms >= 60000))::int8 as over_60s,
  (count(*) filter (where t.open_ms >= 300000))::int8 as over_300s,
  (count(*) filter (where t.open_ms >= 600000))::int8 as over_600s,
  (count(*) filter (where t.open_ms >= 1800000))::int8 as over_1800s,
  (case when max(t.open_ms) is not null then greatest(0, max(t.open_ms)) end)::int8 as oldest_ms
from (
  select pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start) * 1000 as open_ms
  from pg_catalog.pg_stat_activity as a
  where a.xact_start is not null and a.backend_type = 'client backend' and a.pid <> pg_catalog.pg_backend_pid()
) as t
