-- name: database_sizes
-- reads: pg_database_size: the size of every database on disk, and its connection limit
-- scope: instance
-- interval: 600s
-- timeout: 10s
-- versions: 13-18
-- privileges: pg_read_all_stats
-- columns: database_id=key database=key size_bytes=gauge connection_limit=gauge
--
-- The server looks at every file of every database, but waits for no lock. No limit is null. A database that nobody
-- may connect to (as `rdsadmin` of a provider) is not ours to watch.

select
  d.oid::int8::text as database_id,
  d.datname::text as database,
  pg_catalog.pg_database_size(d.oid)::int8 as size_bytes,
  nullif(d.datconnlimit, -1)::int8 as connection_limit
from pg_catalog.pg_database as d
where d.datallowconn and not d.datistemplate
