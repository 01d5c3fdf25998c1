-- shows: how far tables are read by index, and indexes that are unused, duplicate, invalid or missing
--
-- `index use` (tables of `minimum_rows` with a hundred scans in `span`): below 95 % of scans is info, below 80 % warning.
-- `missing index`: such a table is read sequentially, at least 10,000 rows a time and more rows than ten times the table.
-- `unused index`: no scan for `span`, all of which it was watched: it is as old, every day but the last has a sample of
-- it, and its counters were not reset (a reset is a beginning). Never one that is unique, a constraint's, invalid or
-- smaller than `minimum_bytes`; partitions count as the index that they belong to.
-- `duplicate index`, `invalid index`, `foreign key without index`: as the catalog says.
create function monitoring.index_usage(
  target text default null,
  at timestamptz default now(),
  span interval default interval '14 days',
  minimum_rows int8 default 10000,
  minimum_bytes int8 default 1048576
)
  returns table (
    target text, severity text, finding text, table_name text, index_name text, index_use_percent float8,
    seq_scans int8, index_scans int8, rows_per_seq_scan float8, size_bytes int8, watched_days float8, advice text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $function$
  with watched as (
    select t.target_id, t.name, date_trunc('day', index_usage.at - index_usage.span, 'UTC') as begins
      from monitoring.targets as t
     where (index_usage.target is null or t.name = index_usage.target) and t.enabled
  ),
  tables as materialized (
    select w.target_id, w.name, l.subject_id,
           coalesce(l.labels ->> 'root', concat_ws('.', l.labels ->> 'schema', l.labels ->> 'table')) as table_name,
           monitoring.number_of(l.numbers, l.columns, 'estimated_rows') as estimated_rows,
           monitoring.number_of(l.numbers, l.columns, 'estimated_bytes') as estimated_bytes
      from watched as w
      cross join lateral monitoring.last_samples(w.target_id, 'tables', index_usage.at) as l
  ),
  table_scans as materialized (
    select d.subject_id, sum(d.first_total) as seq_scans, sum(d.second_total) as seq_rows, sum(d.third_total) as index_scans
      from watched as w
      cross join lateral monitoring.sample_days_between(
        w.target_id, 'tables', array['seq_scans', 'seq_rows_read', 'idx_scans'], w.begins, index_usage.at
      ) as d
     group by d.subject_id
  ),
  scanned as (
    select t.name, t.table_name, sum(t.estimated_rows) as rows, sum(t.estimated_bytes) as bytes,
           sum(s.seq_scans) as seq_scans, sum(s.seq_rows) as seq_rows, sum(s.index_scans) as index_scans
      from tables as t
      join table_scans as s using (subject_id)
     group by t.name, t.table_name
  ),
  used as (
    select s.*, 100.0 * s.index_scans / nullif(s.index_scans + s.seq_scans, 0) as percent,
           s.seq_rows / nullif(s.seq_scans, 0)::float8 as rows_per_scan
      from scanned as s
     where s.rows >= index_usage.minimum_rows
  ),
  indexes as materialized (
    select w.target_id, w.name, w.begins, l.subject_id, l.labels,
           coalesce(l.labels ->> 'root', concat_ws('.', l.labels ->> 'schema', l.labels ->> 'table')) as table_name,
           coalesce(l.labels ->> 'root_index', concat_ws('.', l.labels ->> 'schema', l.labels ->> 'index')) as index_name,
           coalesce(monitoring.number_of(l.numbers, l.columns, 'estimated_bytes'), 0) as bytes,
           monitoring.number_of(l.numbers, l.columns, 'is_valid') = 1
             and monitoring.number_of(l.numbers, l.columns, 'is_unique') = 0
             and monitoring.number_of(l.numbers, l.columns, 'is_primary') = 0
             and monitoring.number_of(l.numbers, l.columns, 'is_constraint') = 0
             and monitoring.number_of(l.numbers, l.columns, 'is_replica_identity') = 0 as may_go,
           to_timestamp(monitoring.number_of(l.numbers, l.columns, 'last_scan_at_seconds')) as last_scan_at,
           u.first_seen
      from watched as w
      cross join lateral monitoring.last_samples(w.target_id, 'indexes', index_usage.at) as l
      join monitoring.subjects as u on u.subject_id = l.subject_id
  ),
  index_days as (
    select d.subject_id, sum(d.first_total) as scans, count(*) as days,
           coalesce(max(d.day) filter (where d.unknown > 0) + interval '1 day', min(d.day)) as counted_from
      from watched as w
      cross join lateral monitoring.sample_days_between(
        w.target_id, 'indexes', array['scans'], w.begins - interval '1 day', index_usage.at
      ) as d
     group by d.subject_id
  ),
  unused as (
    select i.name, i.table_name, i.index_name, sum(i.bytes) as bytes, max(greatest(d.counted_from, i.first_seen)) as since
      from indexes as i
      left join index_days as d using (subject_id)
     group by i.name, i.table_name, i.index_name, i.begins
    having bool_and(i.may_go) and bool_and(coalesce(d.scans, 0) = 0)
       and sum(i.bytes) >= index_usage.minimum_bytes
       and bool_and(d.counted_from <= i.begins and i.first_seen <= i.begins)
       and bool_and(d.days >= extract(epoch from index_usage.span) / 86400)
       and bool_and(i.last_scan_at is null or i.last_scan_at < i.begins)
  ),
  catalog as (
    select w.name, c.collector, l.labels, l.texts,
           monitoring.number_of(l.numbers, l.columns, 'estimated_bytes') as bytes,
           monitoring.number_of(l.numbers, l.columns, 'is_building') as is_building,
           monitoring.number_of(l.numbers, l.columns, 'estimated_rows') as rows
      from watched as w
      cross join (values ('duplicate_indexes'), ('invalid_indexes'), ('unindexed_foreign_keys')) as c (collector)
      cross join lateral monitoring.last_samples(w.target_id, c.collector, index_usage.at) as l
  ),
  found as (
    select u.name,
           case
             when u.index_scans + u.seq_scans < 100 or u.percent >= 95 then 0 when u.percent >= 80 then 1 else 2
           end as rank,
           'index use' as finding, u.table_name, null as index_name, u.percent, u.seq_scans, u.index_scans,
           u.rows_per_scan, u.bytes, null::float8 as days,
           case when u.index_scans + u.seq_scans >= 100 and u.percent < 95 then
             'find the statements that read it whole, and give them an index for what they filter by'
           end as advice
      from used as u
     where u.index_scans + u.seq_scans > 0
    union all
    select u.name, case when u.rows >= 1000000 then 2 else 1 end, 'missing index', u.table_name, null, u.percent,
           u.seq_scans, u.index_scans, u.rows_per_scan, u.bytes, null,
           'each of its sequential scans reads ' || round(u.rows_per_scan::numeric) || ' rows: explain the statements on '
           || u.table_name || ' that take longest, then create index concurrently on what they filter by'
      from used as u
     where u.seq_scans >= 10 and u.rows_per_scan >= 10000 and u.seq_rows >= u.rows * 10 and u.percent < 95
    union all
    select n.name, 1, 'unused index', n.table_name, n.index_name, null, null, 0, null, n.bytes,
           extract(epoch from index_usage.at - n.since) / 86400,
           'it costs every write and serves no read here. Look whether a replica uses it, or a job of the end of the month; '
           'then drop index concurrently ' || n.index_name
      from unused as n
    union all
    select c.name, 1, 'duplicate index', concat_ws('.', c.labels ->> 'schema', c.labels ->> 'table'),
           concat_ws('.', c.labels ->> 'schema', c.labels ->> 'index'), null, null, null, null, c.bytes, null,
           coalesce(c.texts ->> 'covered_by', 'another index') || ' serves as well: drop index concurrently '
           || concat_ws('.', quote_ident(c.labels ->> 'schema'), quote_ident(c.labels ->> 'index'))
      from catalog as c
     where c.collector = 'duplicate_indexes'
    union all
    select c.name, 2, 'invalid index', concat_ws('.', c.labels ->> 'schema', c.labels ->> 'table'),
           concat_ws('.', c.labels ->> 'schema', c.labels ->> 'index'), null, null, null, null, c.bytes, null,
           'its build failed, yet every write keeps it: reindex index concurrently '
           || concat_ws('.', quote_ident(c.labels ->> 'schema'), quote_ident(c.labels ->> 'index')) || ', or drop it'
      from catalog as c
     where c.collector = 'invalid_indexes' and c.is_building is distinct from 1
    union all
    select c.name, case when c.rows >= 1000000 then 2 else 1 end, 'foreign key without index',
           concat_ws('.', c.labels ->> 'schema', c.labels ->> 'table'), c.labels ->> 'foreign_key', null, null, null,
           null, c.bytes, null,
           'a delete or a changed key in ' || coalesce(c.texts ->> 'referenced_table', 'the other table')
           || ' reads all of this table: create index concurrently on '
           || concat_ws('.', quote_ident(c.labels ->> 'schema'), quote_ident(c.labels ->> 'table'))
           || ' (' || coalesce(c.texts ->> 'columns', '…') || ')'
      from catalog as c
     where c.collector = 'unindexed_foreign_keys'
  )
  select f.name, (array['ok', 'info', 'warning', 'critical'])[1 + f.rank], f.finding, f.table_name, f.index_name,
         f.percent::float8, f.seq_scans::int8, f.index_scans::int8, f.rows_per_scan, f.bytes::int8, f.days::float8,
         f.advice
    from found as f
   order by f.rank desc, f.bytes desc nulls last, f.name, f.table_name, f.index_name, f.finding
$function$;
