-- name: tables
-- reads: pg_stat_user_tables: scans, rows changed, dead rows, vacuum and analyze of every table, with its estimated size
-- scope: database
-- interval: 300s
-- timeout: 5s
-- versions: 13-15
-- privileges: none
-- keeps: changes
-- columns: schema=key table=key root=label stats_reset=epoch
-- columns: seq_scans=counter seq_rows_read=counter idx_scans=counter idx_rows_fetched=counter
-- columns: rows_inserted=counter rows_updated=counter rows_deleted=counter
-- columns: rows_hot_updated=counter rows_newpage_updated=counter
-- columns: vacuums=counter autovacuums=counter analyzes=counter autoanalyzes=counter
-- columns: vacuum_us=counter autovacuum_us=counter analyze_us=counter autoanalyze_us=counter
-- columns: live_rows=gauge dead_rows=gauge modified_since_analyze=gauge inserted_since_vacuum=gauge
-- columns: last_seq_scan_at_seconds=gauge last_idx_scan_at_seconds=gauge
-- columns: last_vacuum_at_seconds=gauge last_autovacuum_at_seconds=gauge
-- columns: last_analyze_at_seconds=gauge last_autoanalyze_at_seconds=gauge
-- columns: estimated_rows=gauge estimated_bytes=gauge
--
-- The estimates are what the last vacuum or analyze left in pg_class (heap only): reading the exact size opens every file
-- and waits behind locks, see relation_sizes. A partitioned table has no rows of its own, so what its partitions have is
-- not told twice. When scans were last and how long vacuum took is not told before PostgreSQL 16 and 18.

select
  s.schemaname::text as schema,
  s.relname::text as table,
  (root_schema.nspname || '.' || root.relname)::text as root,
  coalesce(
    (
      select d.stats_reset at time zone 'UTC' from pg_catalog.pg_stat_database as d
      where d.datname = pg_catalog.current_database()
    ),
    'epoch'::timestamp
  )::timestamp as stats_reset,
  coalesce(s.seq_scan, 0)::int8 as seq_scans,
  coalesce(s.seq_tup_read, 0)::int8 as seq_rows_read,
  coalesce(s.idx_scan, 0)::int8 as idx_scans,
  coalesce(s.idx_tup_fetch, 0)::int8 as idx_rows_fetched,
  s.n_tup_ins::int8 as rows_inserted,
  s.n_tup_upd::int8 as rows_updated,
  s.n_tup_del::int8 as rows_deleted,
  s.n_tup_hot_upd::int8 as rows_hot_updated,
  null::int8 as rows_newpage_updated,
  s.vacuum_count::int8 as vacuums,
  s.autovacuum_count::int8 as autovacuums,
  s.analyze_count::int8 as analyzes,
  s.autoanalyze_count::int8 as autoanalyzes,
  null::int8 as vacuum_us,
  null::int8 as autovacuum_us,
  null::int8 as analyze_us,
  null::int8 as autoanalyze_us,
  (case when c.relkind <> 'p' then s.n_live_tup end)::int8 as live_rows,
  (case when c.relkind <> 'p' then s.n_dead_tup end)::int8 as dead_rows,
  (case when c.relkind <> 'p' then s.n_mod_since_analyze end)::int8 as modified_since_analyze,
  (case when c.relkind <> 'p' then s.n_ins_since_vacuum end)::int8 as inserted_since_vacuum,
  null::int8 as last_seq_scan_at_seconds,
  null::int8 as last_idx_scan_at_seconds,
  extract(epoch from s.last_vacuum)::int8 as last_vacuum_at_seconds,
  extract(epoch from s.last_autovacuum)::int8 as last_autovacuum_at_seconds,
  extract(epoch from s.last_analyze)::int8 as last_analyze_at_seconds,
  extract(epoch from s.last_autoanalyze)::int8 as last_autoanalyze_at_seconds,
  (
    case
      when c.relkind = 'p' or c.reltuples < 0 or (c.reltuples = 0 and c.relpages = 0 and s.n_live_tup > 0) then null
      else c.reltuples
    end
  )::int8 as estimated_rows,
  (
    case
      when c.relkind = 'p' or c.reltuples < 0 or (c.reltuples = 0 and c.relpages = 0 and s.n_live_tup > 0) then null
      else c.relpages::int8 * pg_catalog.current_setting('block_size')::int8
    end
  )::int8 as estimated_bytes
from pg_catalog.pg_stat_user_tables as s
join pg_catalog.pg_class as c on c.oid = s.relid
left join pg_catalog.pg_class as root on c.relispartition and root.oid = pg_catalog.pg_partition_root(c.oid)
left join pg_catalog.pg_namespace as root_schema on root_schema.oid = root.relnamespace
where c.relpersistence <> 't'
