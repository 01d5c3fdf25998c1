-- name: wraparound
-- reads: pg_database: how old the oldest transaction and multixact ids are that every database may still hold
-- scope: instance
-- interval: 300s
-- timeout: 2s
-- versions: 13-18
-- privileges: none
-- columns: database=key xid_age_xids=gauge multixact_age_mxids=gauge
-- columns: freeze_max_age_xids=gauge multixact_freeze_max_age_mxids=gauge left_xids=gauge left_mxids=gauge
--
-- From `freeze_max_age_xids` on the server vacuums against the wraparound whatever the settings say. `left_xids` may
-- still be used until it takes no more writes, 3,000,000 before the ids would come round. Every database counts,
-- templates too.

select
  d.datname::text as database,
  pg_catalog.age(d.datfrozenxid)::int8 as xid_age_xids,
  pg_catalog.mxid_age(d.datminmxid)::int8 as multixact_age_mxids,
  pg_catalog.current_setting('autovacuum_freeze_max_age')::int8 as freeze_max_age_xids,
  pg_catalog.current_setting('autovacuum_multixact_freeze_max_age')::int8 as multixact_freeze_max_age_mxids,
  (2147483647 - 3000000 - pg_catalog.age(d.datfrozenxid)::int8)::int8 as left_xids,
  (2147483647 - 3000000 - pg_catalog.mxid_age(d.datminmxid)::int8)::int8 as left_mxids
from pg_catalog.pg_database as d
