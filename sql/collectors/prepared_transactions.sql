-- name: prepared_transactions
-- reads: pg_prepared_xacts: transactions that were prepared and are neither committed nor rolled back
-- scope: instance
-- interval: 60s
-- timeout: 2s
-- versions: 13-18
-- privileges: none
-- columns: database=key transactions=gauge oldest_ms=gauge oldest_age_xids=gauge
--
-- One that was forgotten holds its locks and keeps vacuum from its work, over restarts. Their names are not read: the
-- application puts into them what it likes.

select
  p.database::text as database,
  count(*)::int8 as transactions,
  greatest(
    0, max(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - p.prepared) * 1000)
  )::int8 as oldest_ms,
  max(pg_catalog.age(p.transaction))::int8 as oldest_age_xids
from pg_catalog.pg_prepared_xacts as p
group by p.database
