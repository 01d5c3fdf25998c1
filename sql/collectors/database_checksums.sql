-- name: database_checksums
-- reads: pg_stat_database: pages of every database whose checksum was found wrong
-- scope: instance
-- interval: 300s
-- timeout: 2s
-- versions: 13-18
-- privileges: none
-- keeps: changes
-- columns: database=key failures=gauge last_failure_at_seconds=gauge
--
-- Null where checksums are off. The number is kept as it is: one is too many, whenever it was. The pages of the
-- catalogs that all databases share have an empty database.

select
  coalesce(s.datname::text, '')::text as database,
  s.checksum_failures::int8 as failures,
  extract(epoch from s.checksum_last_failure)::int8 as last_failure_at_seconds
from pg_catalog.pg_stat_database as s
left join pg_catalog.pg_database as d on d.oid = s.datid
where s.datid = 0 or d.datallowconn
