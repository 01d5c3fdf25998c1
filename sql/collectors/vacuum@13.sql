-- name: vacuum
-- reads: pg_class and the settings: how near every table is to its own autovacuum and autoanalyze, and to wraparound
-- scope: database
-- interval: 900s
-- timeout: 5s
-- versions: 13-17
-- privileges: none
-- keeps: changes
-- columns: schema=key table=key root=label
-- columns: vacuum_pressure_permille=gauge insert_vacuum_pressure_permille=gauge analyze_pressure_permille=gauge
-- columns: freeze_pressure_permille=gauge autovacuum_disabled=gauge
-- columns: frozen_xid_age_xids=gauge min_multixact_age_multixacts=gauge toast_frozen_xid_age_xids=gauge
--
-- At 1000 autovacuum has reason to come. As in relation_needs_vacanalyze of src/backend/postmaster/autovacuum.c:
--   vacuum   dead rows / (threshold + scale factor * reltuples), the divisor at most autovacuum_vacuum_max_threshold (18)
--   insert   rows inserted since vacuum / (threshold + scale factor * reltuples), null if off
--   analyze  rows changed since analyze / (threshold + scale factor * reltuples)
--   freeze   age of relfrozenxid / freeze_max_age, the smaller one of the server's and the table's
-- with the options of the table before those of the server. `autovacuum_disabled` is 1 where the table's own option says
-- so; then only the last one still counts.

with setting as materialized (
  select
    pg_catalog.current_setting('autovacuum_vacuum_threshold')::float8 as vacuum_threshold,
    pg_catalog.current_setting('autovacuum_vacuum_scale_factor')::float8 as vacuum_scale,
    coalesce(pg_catalog.current_setting('autovacuum_vacuum_max_threshold', true)::float8, -1) as vacuum_max,
    pg_catalog.current_setting('autovacuum_vacuum_insert_threshold')::float8 as insert_threshold,
    pg_catalog.current_setting('autovacuum_vacuum_insert_scale_factor')::float8 as insert_scale,
    pg_catalog.current_setting('autovacuum_analyze_threshold')::float8 as analyze_threshold,
    pg_catalog.current_setting('autovacuum_analyze_scale_factor')::float8 as analyze_scale,
    pg_catalog.current_setting('autovacuum_freeze_max_age')::float8 as freeze_max_age
),
candidate as (
  select
    c.oid,
    n.nspname,
    c.relname,
    c.relispartition,
    greatest(c.reltuples, 0)::float8 as row_count,
    1::float8 as unfrozen,
    nullif(c.relfrozenxid::text, '0')::xid as frozen_xid,
    nullif(c.relminmxid::text, '0')::xid as min_multixact,
    c.reltoastrelid,
    c.reloptions
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm')
    and c.relpersistence <> 't'
    and n.nspname not in ('pg_catalog', 'information_schema')
),
-- An aggregate casts only the values that its filter lets through: others need not be numbers.
option as (
  select
    c.oid,
    bool_or(not o.option_value::bool) filter (where o.option_name = 'autovacuum_enabled') as disabled,
    max(o.option_value::float8) filter (where o.option_name = 'autovacuum_vacuum_threshold') as vacuum_threshold,
    max(o.option_value::float8) filter (where o.option_name = 'autovacuum_vacuum_scale_factor') as vacuum_scale,
    max(o.option_value::float8) filter (where o.option_name = 'autovacuum_vacuum_max_threshold') as vacuum_max,
    max(o.option_value::float8) filter (where o.option_name = 'autovacuum_vacuum_insert_threshold') as insert_threshold,
    max(o.option_value::float8) filter (where o.option_name = 'autovacuum_vacuum_insert_scale_factor') as insert_scale,
    max(o.option_value::float8) filter (where o.option_name = 'autovacuum_analyze_threshold') as analyze_threshold,
    max(o.option_value::float8) filter (where o.option_name = 'autovacuum_analyze_scale_factor') as analyze_scale,
    max(o.option_value::float8) filter (where o.option_name = 'autovacuum_freeze_max_age') as freeze_max_age
  from candidate as c
  cross join lateral pg_catalog.pg_options_to_table(c.reloptions) as o
  where c.reloptions is not null and o.option_name like 'autovacuum%'
  group by c.oid
),
limits as (
  select
    c.*,
    coalesce(option.disabled, false) as disabled,
    coalesce(option.vacuum_threshold, setting.vacuum_threshold)
      + coalesce(option.vacuum_scale, setting.vacuum_scale) * c.row_count as vacuum_limit,
    nullif(coalesce(option.vacuum_max, setting.vacuum_max), -1) as vacuum_cap,
    nullif(coalesce(option.insert_threshold, setting.insert_threshold), -1)
      + coalesce(option.insert_scale, setting.insert_scale) * c.row_count * c.unfrozen as insert_limit,
    coalesce(option.analyze_threshold, setting.analyze_threshold)
      + coalesce(option.analyze_scale, setting.analyze_scale) * c.row_count as analyze_limit,
    least(option.freeze_max_age, setting.freeze_max_age) as freeze_limit
  from candidate as c
  cross join setting
  left join option on option.oid = c.oid
)
select
  l.nspname::text as schema,
  l.relname::text as table,
  (root_schema.nspname || '.' || root.relname)::text as root,
  (1000 * pg_catalog.pg_stat_get_dead_tuples(l.oid) / greatest(least(l.vacuum_limit, l.vacuum_cap), 1))::int8
    as vacuum_pressure_permille,
  (
    case
      when l.insert_limit is not null
        then 1000 * pg_catalog.pg_stat_get_ins_since_vacuum(l.oid) / greatest(l.insert_limit, 1)
    end
  )::int8 as insert_vacuum_pressure_permille,
  (1000 * pg_catalog.pg_stat_get_mod_since_analyze(l.oid) / greatest(l.analyze_limit, 1))::int8
    as analyze_pressure_permille,
  (1000.0 * pg_catalog.age(l.frozen_xid) / l.freeze_limit)::int8 as freeze_pressure_permille,
  l.disabled::int4::int8 as autovacuum_disabled,
  pg_catalog.age(l.frozen_xid)::int8 as frozen_xid_age_xids,
  pg_catalog.mxid_age(l.min_multixact)::int8 as min_multixact_age_multixacts,
  pg_catalog.age(toast.relfrozenxid)::int8 as toast_frozen_xid_age_xids
from limits as l
left join pg_catalog.pg_class as toast on toast.oid = l.reltoastrelid
left join pg_catalog.pg_class as root on l.relispartition and root.oid = pg_catalog.pg_partition_root(l.oid)
left join pg_catalog.pg_namespace as root_schema on root_schema.oid = root.relnamespace
