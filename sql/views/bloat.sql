-- shows: tables and indexes with much dead or free space in them, by estimate, and how that grew
--
-- From `minimum_bytes` of bloat on: 30 % of the table or index is info, half of it warning, and critical from 10 GB on. It
-- is an estimate from the widths of columns: before a table is rewritten, pgstattuple_approx measures it. What the login
-- may not select from is not known, and is told of as such.
create function monitoring.bloat(
  target text default null,
  at timestamptz default now(),
  minimum_bytes int8 default 20971520
)
  returns table (
    target text, severity text, table_name text, index_name text, bloat_bytes int8, bloat_percent float8,
    size_bytes int8, bloat_bytes_week_ago int8, unknown_because text, advice text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $function$
  with watched as (
    select t.target_id, t.name from monitoring.targets as t
     where (bloat.target is null or t.name = bloat.target) and t.enabled
  ),
  seen as (
    select w.name, d.days, l.subject_id, l.labels ->> 'schema' as schema_name, l.labels ->> 'table' as table_name,
           l.labels ->> 'index' as index_name, l.texts ->> 'unknown_because' as unknown_because,
           coalesce(
             monitoring.number_of(l.numbers, l.columns, 'table_bytes'),
             monitoring.number_of(l.numbers, l.columns, 'index_bytes')
           ) as size_bytes,
           monitoring.number_of(l.numbers, l.columns, 'bloat_bytes') as bloat_bytes,
           monitoring.number_of(l.numbers, l.columns, 'bloat_permille') as permille
      from watched as w
      cross join (values ('table_bloat'), ('index_bloat')) as c (collector)
      cross join (values (0), (7)) as d (days)
      cross join lateral monitoring.last_samples(w.target_id, c.collector, bloat.at - d.days * interval '1 day') as l
  ),
  judged as (
    select n.*, p.bloat_bytes as week_ago,
           case
             when n.bloat_bytes is null then null
             when n.bloat_bytes < bloat.minimum_bytes or n.permille < 300 then 0
             when n.permille < 500 then 1
             when n.bloat_bytes < 10737418240 then 2
             else 3
           end as rank,
           concat_ws('.', quote_ident(n.schema_name), quote_ident(n.table_name)) as quoted_table,
           concat_ws('.', quote_ident(n.schema_name), quote_ident(n.index_name)) as quoted_index
      from seen as n
      left join seen as p on p.subject_id = n.subject_id and p.days = 7
     where n.days = 0
  )
  select j.name, coalesce((array['ok', 'info', 'warning', 'critical'])[1 + j.rank], 'unknown'),
         concat_ws('.', j.schema_name, j.table_name), case when j.index_name is not null then concat_ws('.', j.schema_name, j.index_name) end,
         j.bloat_bytes,
         j.permille / 10.0::float8, j.size_bytes, j.week_ago, j.unknown_because,
         case
           when j.rank is null then 'grant select on ' || j.quoted_table || ' to the login, or analyze it'
           when j.rank > 0 and j.index_name is not null then 'reindex index concurrently ' || j.quoted_index
           when j.rank > 0 then
             'measure it: select * from pgstattuple_approx(' || quote_literal(j.quoted_table) || '); see vacuum_needs for '
             || 'why. New rows use the space; to give it back: pg_repack, or vacuum (full), which locks the table'
         end
    from judged as j
   -- What is known to be small is of no interest; what is not known may be.
   where j.rank is null or j.bloat_bytes >= bloat.minimum_bytes
   order by j.rank desc nulls last, j.bloat_bytes desc nulls last, j.name, j.schema_name, j.table_name, j.index_name
$function$;
