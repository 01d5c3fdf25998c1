-- What the monitoring tables take, partitions counted with their table. The rows are the server's own estimate.
select
  relation.table_name::text as table_name,
  sum(pg_catalog.pg_total_relation_size(relation.oid))::int8 as bytes,
  sum(relation.live_rows)::int8 as rows,
  (
    sum(pg_catalog.pg_total_relation_size(relation.oid)) filter (where relation.live_rows > 0)
    / nullif(sum(relation.live_rows), 0)
  )::float8 as bytes_per_row,
  (count(*) filter (where relation.is_partition))::int8 as partitions
from (
  select
    c.oid,
    c.relispartition as is_partition,
    coalesce(root.relname, c.relname) as table_name,
    coalesce(pg_catalog.pg_stat_get_live_tuples(c.oid), 0) as live_rows
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  left join pg_catalog.pg_inherits as link on link.inhrelid = c.oid
  left join pg_catalog.pg_class as root on root.oid = link.inhparent
  where n.nspname = 'monitoring' and c.relkind in ('r', 'p')
) as relation
group by relation.table_name
order by bytes desc, relation.table_name
