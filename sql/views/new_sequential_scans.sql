-- shows: tables that began to be read sequentially while they were not before
--
-- Of tables of at least `minimum_rows`: ten scans and more in `recent`, each of a thousand rows and more, and ten times
-- as many an hour as in `before`. A table that was not watched in `before` is left out: nothing is known to be new.
-- A million rows an hour is a warning, a hundred million critical.
create function monitoring.new_sequential_scans(
  target text default null,
  at timestamptz default now(),
  recent interval default interval '24 hours',
  before interval default interval '7 days',
  minimum_rows int8 default 10000
)
  returns table (
    target text, severity text, table_name text, since timestamptz, scans int8, scans_per_hour float8,
    scans_per_hour_before float8, rows_per_scan float8, index_use_percent float8, estimated_rows int8,
    size_bytes int8, advice text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $function$
  with watched as (
    select t.target_id, t.name, date_trunc('hour', new_sequential_scans.at - new_sequential_scans.recent, 'UTC') as begins
      from monitoring.targets as t
     where (new_sequential_scans.target is null or t.name = new_sequential_scans.target) and t.enabled
  ),
  tables as materialized (
    select w.target_id, l.subject_id,
           coalesce(l.labels ->> 'root', concat_ws('.', l.labels ->> 'schema', l.labels ->> 'table')) as table_name,
           monitoring.number_of(l.numbers, l.columns, 'estimated_rows') as estimated_rows,
           monitoring.number_of(l.numbers, l.columns, 'estimated_bytes') as bytes
      from watched as w
      cross join lateral monitoring.last_samples(w.target_id, 'tables', new_sequential_scans.at) as l
  ),
  hours as materialized (
    select h.subject_id, c.of_column, h.hour, h.total
      from watched as w
      cross join (values ('seq_scans'), ('seq_rows_read'), ('idx_scans')) as c (of_column)
      cross join lateral monitoring.sample_hours_between(
        w.target_id, 'tables', c.of_column, w.begins, new_sequential_scans.at
      ) as h
     where h.total > 0
  ),
  earlier as (
    select d.subject_id, sum(d.first_total) as scans, min(d.day) as seen_from
      from watched as w
      cross join lateral monitoring.sample_days_between(
        w.target_id, 'tables', array['seq_scans'], date_trunc('day', w.begins - new_sequential_scans.before, 'UTC'),
        w.begins
      ) as d
     group by d.subject_id
  ),
  sized as (
    select t.target_id, t.table_name, sum(t.estimated_rows) as rows, sum(t.bytes) as bytes, sum(e.scans) as scans_before,
           min(e.seen_from) as seen_from
      from tables as t
      left join earlier as e using (subject_id)
     group by t.target_id, t.table_name
    having sum(t.estimated_rows) >= new_sequential_scans.minimum_rows
  ),
  scanned as (
    select t.target_id, t.table_name,
           sum(h.total) filter (where h.of_column = 'seq_scans') as scans,
           sum(h.total) filter (where h.of_column = 'seq_rows_read') as seq_rows,
           sum(h.total) filter (where h.of_column = 'idx_scans') as index_scans,
           min(h.hour) filter (where h.of_column = 'seq_scans') as since
      from tables as t
      join hours as h using (subject_id)
     group by t.target_id, t.table_name
  ),
  compared as (
    select w.name, s.*, z.rows, z.bytes,
           s.scans * 3600 / extract(epoch from new_sequential_scans.at - s.since) as per_hour,
           coalesce(z.scans_before, 0) * 3600 / extract(epoch from w.begins - z.seen_from) as per_hour_before
      from scanned as s
      join sized as z using (target_id, table_name)
      join watched as w using (target_id)
     -- Seen for at least a day before: less cannot tell what is new.
     where z.seen_from <= w.begins - interval '1 day'
       and s.scans >= 10 and s.seq_rows >= s.scans * 1000 and s.since < new_sequential_scans.at
  )
  select c.name,
         case
           when c.seq_rows / c.scans * c.per_hour >= 100000000 then 'critical'
           when c.seq_rows / c.scans * c.per_hour >= 1000000 then 'warning'
           else 'info'
         end,
         c.table_name, c.since, c.scans::int8, c.per_hour::float8, c.per_hour_before::float8,
         c.seq_rows / c.scans::float8, 100 * coalesce(c.index_scans, 0) / (coalesce(c.index_scans, 0) + c.scans)::float8,
         c.rows::int8, c.bytes::int8,
         'a statement lost its index or came without one: look at what was deployed or dropped around ' ||
         to_char(c.since at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC, at slow_statements, and run analyze '
         || c.table_name || '; then create index concurrently for what is filtered by'
    from compared as c
   where c.per_hour >= c.per_hour_before * 10
   order by c.seq_rows desc, c.name, c.table_name
$function$;
