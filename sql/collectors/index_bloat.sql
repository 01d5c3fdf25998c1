-- name: index_bloat
-- reads: pg_stats: how much of the largest btree indexes is likely free space, estimated from the widths of their columns
-- scope: database
-- interval: 3600s
-- timeout: 10s
-- versions: 13-18
-- privileges: none
-- keeps: changes
-- columns: schema=key index=key table=label root=label unknown_because=text
-- columns: index_bytes=gauge bloat_bytes=gauge bloat_permille=gauge
--
-- The 1,000 largest indexes of 128 pages (1 MB) and more. pg_stats shows nothing of tables that the login may not select
-- from, and an expression has no column to look up: such an index is not known (null), never 0. What an entry needs: a
-- line pointer of 4 bytes, a header of 8 (16 where there are nulls), and the columns rounded up to 8. Where equal entries
-- may be merged (not unique, nothing included, operator classes with support function 4) a value has that once for up to
-- 130 entries, and 6 bytes per entry. Values of several columns are taken to be independent, which errs towards less
-- bloat. Leaf pages have block_size - 40 bytes, filled as the fillfactor says (90), and inner pages come on top.

with candidate as materialized (
  select
    i.indexrelid,
    i.indrelid,
    i.indkey::int2[] as attnums,
    i.indnatts,
    i.indclass::oid[] as classes,
    not i.indisunique and i.indnatts = i.indnkeyatts as may_merge,
    n.nspname,
    c.relname,
    c.reloptions,
    t.relname as table_name,
    t.relispartition,
    t.relrowsecurity,
    t.reltuples::float8 as table_rows,
    c.reltuples::float8 as row_count,
    c.relpages::int8 as pages,
    pg_catalog.current_setting('block_size')::int8 as block_bytes
  from pg_catalog.pg_class as c
  join pg_catalog.pg_index as i on i.indexrelid = c.oid
  join pg_catalog.pg_class as t on t.oid = i.indrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  join pg_catalog.pg_am as m on m.oid = c.relam
  where c.relkind = 'i'
    and c.relpages >= 128
    and m.amname = 'btree'
    and t.relkind in ('r', 'm')
    and t.relpersistence <> 't'
    and n.nspname not in ('pg_catalog', 'information_schema')
  order by c.relpages desc, c.oid
  limit 1000
),
option as (
  select
    c.indexrelid,
    max(o.option_value::float8) filter (where o.option_name = 'fillfactor') as fillfactor,
    bool_and(o.option_value::bool) filter (where o.option_name = 'deduplicate_items') as deduplicates
  from candidate as c
  cross join lateral pg_catalog.pg_options_to_table(c.reloptions) as o
  group by c.indexrelid
),
-- Table by table, and only where there is something to see: the view checks the privilege on every column.
width as materialized (
  select of_table.*
  from (
    select distinct c.indrelid, c.nspname, c.table_name, c.table_rows
    from candidate as c
    where pg_catalog.has_table_privilege(c.indrelid, 'select')
  ) as t
  cross join lateral (
    select
      i.indexrelid,
      count(*) as columns,
      bool_or(s.null_frac > 0) as has_nulls,
      sum((1 - s.null_frac) * s.avg_width) as data_bytes,
      sum(
        ln(greatest(case when s.n_distinct >= 0 then s.n_distinct else -s.n_distinct * t.table_rows end, 1)::float8)
      ) as log_distinct
    from pg_catalog.pg_stats as s
    join pg_catalog.pg_attribute as a on a.attrelid = t.indrelid and a.attname = s.attname
    join pg_catalog.pg_index as i on i.indrelid = t.indrelid and a.attnum = any(i.indkey::int2[])
    where s.schemaname = t.nspname and s.tablename = t.table_name and not s.inherited
    group by i.indexrelid
  ) as of_table
),
shape as (
  select
    c.*,
    width.columns as seen_columns,
    8 + case when width.has_nulls then 8 else 0 end + 8 * ceil(width.data_bytes / 8) as entry_bytes,
    c.row_count / greatest(least(exp(least(width.log_distinct, 700)), c.row_count), 1) as entries_per_value,
    coalesce(option.fillfactor, 90) / 100 as fill,
    c.may_merge
      and coalesce(option.deduplicates, true)
      and not exists (
        select from pg_catalog.pg_opclass as o
        where o.oid = any(c.classes) and not exists (
          select from pg_catalog.pg_amproc as p
          where p.amprocfamily = o.opcfamily and p.amproclefttype = o.opcintype and p.amprocnum = 4
        )
      ) as merges
  from candidate as c
  left join option on option.indexrelid = c.indexrelid
  left join width on width.indexrelid = c.indexrelid
),
judged as (
  select
    s.*,
    case
      when s.row_count < 0 then 'not_analyzed'
      when s.seen_columns = s.indnatts then null
      when not pg_catalog.has_table_privilege(s.indrelid, 'select') then 'missing_privilege: select'
      when s.relrowsecurity then 'row_level_security'
      when s.row_count = 0 then null
      when 0 = any(s.attnums) then 'expression'
      else 'not_analyzed'
    end as unknown_because,
    -- The metapage, the leaf pages and those above them, of which each holds the first entry of as many pages as fit.
    1 + ceil(
      s.row_count
      * case
        when s.merges and s.entries_per_value > 1
          then least(4 + s.entry_bytes, 6 + (4 + s.entry_bytes) / least(s.entries_per_value, 130))
        else 4 + s.entry_bytes
      end
      / ((s.block_bytes - 40 - s.entry_bytes) * s.fill)
      * (1 + (4 + s.entry_bytes + 8) / (s.block_bytes - 40))
    ) as needed_pages
  from shape as s
)
select
  j.nspname::text as schema,
  j.relname::text as index,
  j.table_name::text as table,
  (root_schema.nspname || '.' || root.relname)::text as root,
  j.unknown_because::text as unknown_because,
  (j.pages * j.block_bytes)::int8 as index_bytes,
  (
    case when j.unknown_because is null then greatest(j.pages - coalesce(j.needed_pages, 1), 0) * j.block_bytes end
  )::int8 as bloat_bytes,
  (
    case when j.unknown_because is null then 1000 * greatest(j.pages - coalesce(j.needed_pages, 1), 0) / j.pages end
  )::int8 as bloat_permille
from judged as j
left join pg_catalog.pg_class as root on j.relispartition and root.oid = pg_catalog.pg_partition_root(j.indrelid)
left join pg_catalog.pg_namespace as root_schema on root_schema.oid = root.relnamespace
