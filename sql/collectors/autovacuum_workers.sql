-- name: autovacuum_workers
-- reads: pg_stat_activity: what each worker of autovacuum works on and since when, in all databases
-- scope: instance
-- interval: 30s
-- timeout: 2s
-- versions: 13-18
-- privileges: pg_read_all_stats
-- columns: database=key relation=key action=key started_at_seconds=gauge running_ms=gauge against_wraparound=gauge
-- columns: max_workers=gauge
--
-- The worker says what it does as `autovacuum: VACUUM ANALYZE schema.table`; only the name of the table is taken from
-- it.

select
  coalesce(w.database, '')::text as database,
  coalesce(w.words[2], '')::text as relation,
  coalesce(pg_catalog.lower(w.words[1]), '')::text as action,
  extract(epoch from min(w.started))::int8 as started_at_seconds,
  greatest(0, max(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - w.started)) * 1000)::int8 as running_ms,
  max(w.against_wraparound)::int8 as against_wraparound,
  pg_catalog.current_setting('autovacuum_max_workers')::int8 as max_workers
from (
  select
    a.datname::text as database,
    pg_catalog.regexp_match(a.query, '^autovacuum: (VACUUM ANALYZE|VACUUM|ANALYZE|BRIN summarize) ([^[:space:]]+)') as words,
    coalesce(a.xact_start, a.backend_start) as started,
    (a.query like '%(to prevent wraparound)%')::int4 as against_wraparound
  from pg_catalog.pg_stat_activity as a
  where a.backend_type = 'autovacuum worker'
) as w
group by 1, 2, 3
