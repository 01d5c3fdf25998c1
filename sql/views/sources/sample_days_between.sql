-- shows: up to three numbers of a collector's subjects, day by day (days of UTC; `begins` included, `ends` not)
--
-- `unknown` counts the samples that did not know the first of them: of a counter that is the first one, and the first one
-- after a reset.
create function monitoring.sample_days_between(
  of_target int4, of_collector text, of_columns text[], begins timestamptz, ends timestamptz
)
  returns table (
    subject_id int8, day timestamptz, first_total int8, second_total int8, third_total int8, unknown int8
  )
  language sql
  stable
as $function$
  with collector as materialized (
    select k.collector_id, pg_catalog.array_position(k.columns, of_columns[1]) as one,
           pg_catalog.array_position(k.columns, of_columns[2]) as two,
           pg_catalog.array_position(k.columns, of_columns[3]) as three
      from monitoring.collectors as k where k.collector = of_collector
  ),
  progress as materialized (
    select least(
             coalesce(pg_catalog.max(p.rolled_to) filter (where p.resolution = 'daily'), '-infinity'),
             pg_catalog.date_trunc('day', ends, 'UTC')
           ) as daily_to,
           least(
             coalesce(pg_catalog.max(p.rolled_to) filter (where p.resolution = 'hourly'), '-infinity'),
             pg_catalog.date_trunc('hour', ends, 'UTC')
           ) as hourly_to
      from monitoring.roll_up_progress as p
     where p.target_id = of_target and p.sample_table = 'samples'
  ),
  parts as (
    select d.subject_id, d.starts_at, d.sums[c.one]::int8 as one, d.sums[c.two]::int8 as two,
           d.sums[c.three]::int8 as three, d.samples - d.counts[c.one] as unknown
      from collector as c
      cross join progress as p
      join monitoring.samples_daily as d
        on d.target_id = of_target and d.collector_id = c.collector_id
       and d.starts_at >= begins and d.starts_at < p.daily_to
    union all
    select h.subject_id, h.starts_at, h.sums[c.one]::int8, h.sums[c.two]::int8, h.sums[c.three]::int8,
           h.samples - h.counts[c.one]
      from collector as c
      cross join progress as p
      join monitoring.samples_hourly as h
        on h.target_id = of_target and h.collector_id = c.collector_id
       and h.starts_at >= greatest(begins, p.daily_to) and h.starts_at < p.hourly_to
    union all
    select s.subject_id, s.sampled_at, s."values"[c.one], s."values"[c.two], s."values"[c.three],
           (s."values"[c.one] is null)::int4
      from collector as c
      cross join progress as p
      join monitoring.subjects as u on u.target_id = of_target and u.collector_id = c.collector_id
      join monitoring.samples as s
        on s.subject_id = u.subject_id and s.sampled_at >= greatest(begins, p.hourly_to) and s.sampled_at < ends
  )
  select p.subject_id, pg_catalog.date_trunc('day', p.starts_at, 'UTC'), pg_catalog.sum(p.one)::int8,
         pg_catalog.sum(p.two)::int8, pg_catalog.sum(p.three)::int8, pg_catalog.sum(p.unknown)::int8
    from parts as p
   group by p.subject_id, pg_catalog.date_trunc('day', p.starts_at, 'UTC')
$function$;
