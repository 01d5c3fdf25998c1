-- shows: one number of a collector's subjects, hour by hour (hours of UTC; `begins` included, `ends` not)
--
-- Of a counter `total` is what was counted, of a gauge `total / known` is the mean.
create function monitoring.sample_hours_between(
  of_target int4, of_collector text, of_column text, begins timestamptz, ends timestamptz
)
  returns table (
    subject_id int8, hour timestamptz, measured_ms int8, total int8, known int8, minimum int8, maximum int8, last int8
  )
  language sql
  stable
as $function$
  select h.subject_id, h.starts_at, h.measured_ms, h.sums[c.place]::int8, h.counts[c.place], h.minima[c.place],
         h.maxima[c.place], h.lasts[c.place]
    from (
      select k.collector_id, pg_catalog.array_position(k.columns, of_column) as place
        from monitoring.collectors as k where k.collector = of_collector
    ) as c
    cross join monitoring.raw_from(of_target, 'samples', ends) as r
    join monitoring.subjects as subject on subject.target_id = of_target and subject.collector_id = c.collector_id
    join monitoring.samples_hourly as h
      on h.subject_id = subject.subject_id and h.starts_at >= begins and h.starts_at < r.raw_from
  union all
  select s.subject_id, pg_catalog.date_trunc('hour', s.sampled_at, 'UTC'), pg_catalog.sum(s.interval_ms)::int8,
         pg_catalog.sum(s."values"[c.place])::int8, pg_catalog.count(s."values"[c.place]),
         pg_catalog.min(s."values"[c.place]), pg_catalog.max(s."values"[c.place]),
         (pg_catalog.array_agg(s."values"[c.place] order by s.sampled_at desc))[1]
    from (
      select k.collector_id, pg_catalog.array_position(k.columns, of_column) as place
        from monitoring.collectors as k where k.collector = of_collector
    ) as c
    cross join monitoring.raw_from(of_target, 'samples', ends) as r
    join monitoring.subjects as subject on subject.target_id = of_target and subject.collector_id = c.collector_id
    join monitoring.samples as s
      on s.subject_id = subject.subject_id and s.sampled_at >= begins and s.sampled_at >= r.raw_from and s.sampled_at < ends
   group by s.subject_id, pg_catalog.date_trunc('hour', s.sampled_at, 'UTC')
$function$;
