-- name: table_bloat
-- reads: pg_stats: how much of every table is likely dead or free space, estimated from the average widths of its columns
-- scope: database
-- interval: 3600s
-- timeout: 10s
-- versions: 13-18
-- privileges: none
-- keeps: changes
-- columns: schema=key table=key root=label unknown_because=text
-- columns: table_bytes=gauge bloat_bytes=gauge bloat_permille=gauge
--
-- Tables of less than 128 pages (1 MB) are left out. pg_stats shows nothing of tables that the login may not select from:
-- they are not known (null), never 0, and so is a table that was never analyzed. What the rows need: for each a line
-- pointer of 4 bytes, a header of 23 with a bit per column where there are nulls, and the columns, header and columns
-- each rounded up to 8; as many as fit into a page of block_size - 24 bytes, filled as the fillfactor says. What the
-- table has beyond is bloat. Padding between columns is not known, so a tight table may show some: up to a fifth where
-- small and large columns alternate. TOAST is not looked at.

with shape as (
  select
    n.nspname,
    c.relname,
    c.oid,
    c.relispartition,
    c.relrowsecurity,
    c.relpages::int8 as pages,
    c.reltuples::float8 as row_count,
    width.columns as seen_columns,
    (
      select count(*) from pg_catalog.pg_attribute as a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    ) as own_columns,
    pg_catalog.current_setting('block_size')::int8 as block_bytes,
    -- What a reading may expect of a page that was filled as the table's options say.
    coalesce(
      (
        select o.option_value::float8 from pg_catalog.pg_options_to_table(c.reloptions) as o
        where o.option_name = 'fillfactor'
      ),
      100
    ) / 100 as fill,
    4 + 8 * ceil((23 + case when width.has_nulls then (c.relnatts + 7) / 8 else 0 end) / 8.0)
      + 8 * ceil(width.data_bytes / 8) as row_bytes
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  -- Table by table, and only where there is something to see: the view checks the privilege on every column.
  left join lateral (
    select
      count(*) as columns,
      bool_or(s.null_frac > 0) as has_nulls,
      sum((1 - s.null_frac) * s.avg_width) as data_bytes
    from pg_catalog.pg_stats as s
    where s.schemaname = n.nspname and s.tablename = c.relname and not s.inherited
  ) as width on c.reltuples > 0 and pg_catalog.has_table_privilege(c.oid, 'select')
  where c.relkind in ('r', 'm')
    and c.relpersistence <> 't'
    and n.nspname not in ('pg_catalog', 'information_schema')
    and (
      c.relpages >= 128
      or (c.relpages = 0 and c.reltuples <= 0 and pg_catalog.pg_stat_get_live_tuples(c.oid) >= 10000)
    )
),
judged as (
  select
    s.*,
    case
      when s.pages = 0 or s.row_count < 0 then 'not_analyzed'
      when s.seen_columns = s.own_columns then null
      when not pg_catalog.has_table_privilege(s.oid, 'select') then 'missing_privilege: select'
      when s.relrowsecurity then 'row_level_security'
      when s.row_count = 0 then null
      else 'not_analyzed'
    end as unknown_because,
    ceil(s.row_count / greatest(floor((s.block_bytes - 24) * s.fill / s.row_bytes), 1)) as needed_pages
  from shape as s
)
select
  j.nspname::text as schema,
  j.relname::text as table,
  (root_schema.nspname || '.' || root.relname)::text as root,
  j.unknown_because::text as unknown_because,
  nullif(j.pages * j.block_bytes, 0)::int8 as table_bytes,
  (
    case when j.unknown_because is null then greatest(j.pages - coalesce(j.needed_pages, 0), 0) * j.block_bytes end
  )::int8 as bloat_bytes,
  (
    case when j.unknown_because is null then 1000 * greatest(j.pages - coalesce(j.needed_pages, 0), 0) / j.pages end
  )::int8 as bloat_permille
from judged as j
left join pg_catalog.pg_class as root on j.relispartition and root.oid = pg_catalog.pg_partition_root(j.oid)
left join pg_catalog.pg_namespace as root_schema on root_schema.oid = root.relnamespace
