-- name: temp_files
-- reads: pg_ls_tmpdir: temporary files on disk at this moment, by tablespace
-- scope: instance
-- interval: 60s
-- timeout: 5s
-- versions: 13-18
-- privileges: pg_monitor
-- columns: tablespace=key files=gauge bytes=gauge sessions=gauge oldest_at_seconds=gauge
--
-- A file's name begins with the process that made it. Files that parallel workers share are in folders of their own,
-- which the server does not show. What was written in all is in `databases`.

select
  t.spcname::text as tablespace,
  count(f.name)::int8 as files,
  coalesce(sum(f.size), 0)::int8 as bytes,
  count(distinct pg_catalog.substring(f.name, '^pgsql_tmp([0-9]+)'))::int8 as sessions,
  extract(epoch from min(f.modification))::int8 as oldest_at_seconds
from pg_catalog.pg_tablespace as t
left join lateral pg_catalog.pg_ls_tmpdir(t.oid) as f on true
where t.spcname <> 'pg_global'
group by t.spcname
