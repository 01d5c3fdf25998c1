-- name: table_bloat_measured
-- reads: pgstattuple_approx: how much of the largest tables is dead or free space, measured
-- scope: database
-- interval: 21600s
-- timeout: 30s
-- versions: 13-18
-- privileges: pg_stat_scan_tables
-- extension: pgstattuple 1.5
-- keeps: changes
-- columns: schema=key table=key root=label
-- columns: table_bytes=gauge read_permille=gauge live_rows=gauge dead_rows=gauge
-- columns: dead_bytes=gauge free_bytes=gauge bloat_permille=gauge
--
-- pgstattuple_approx reads the pages that are not marked as all visible and asks the free space map about the others. Of
-- the largest tables those are measured, up to 20, that have no more than 32,768 such pages (256 MB) together. It waits
-- behind ACCESS EXCLUSIVE locks, so tables on which somebody holds or waits for one are left out this time. Free space
-- that the fillfactor asks for counts as free.

with locked as materialized (
  select l.relation
  from pg_catalog.pg_locks as l
  where l.locktype = 'relation' and l.mode = 'AccessExclusiveLock'
    and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
),
candidate as materialized (
  select
    c.oid,
    n.nspname,
    c.relname,
    c.relispartition,
    c.relpages,
    sum(greatest(c.relpages - c.relallvisible, 0)) over (order by c.relpages desc, c.oid) as pages_to_read
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  join pg_catalog.pg_am as m on m.oid = c.relam
  where c.relkind in ('r', 'm')
    and m.amname = 'heap'
    and c.relpersistence <> 't'
    and c.relpages >= 128
    -- One that is too large by itself must not keep the others out.
    and c.relpages - c.relallvisible <= 32768
    and n.nspname not in ('pg_catalog', 'information_schema')
    and c.oid not in (select locked.relation from locked)
),
chosen as materialized (
  select * from candidate where candidate.pages_to_read <= 32768 order by candidate.relpages desc limit 20
)
select
  c.nspname::text as schema,
  c.relname::text as table,
  (root_schema.nspname || '.' || root.relname)::text as root,
  a.table_len::int8 as table_bytes,
  (a.scanned_percent * 10)::int8 as read_permille,
  a.approx_tuple_count::int8 as live_rows,
  a.dead_tuple_count::int8 as dead_rows,
  a.dead_tuple_len::int8 as dead_bytes,
  a.approx_free_space::int8 as free_bytes,
  (1000 * (a.dead_tuple_len + a.approx_free_space) / greatest(a.table_len, 1))::int8 as bloat_permille
from chosen as c
cross join lateral extension_schema.pgstattuple_approx(c.oid) as a
left join pg_catalog.pg_class as root on c.relispartition and root.oid = pg_catalog.pg_partition_root(c.oid)
left join pg_catalog.pg_namespace as root_schema on root_schema.oid = root.relnamespace
