-- shows: the client connections of a target, hour by hour (hours of UTC; `begins` included, `ends` not)
create function monitoring.activity_hours_between(
  of_target int4, begins timestamptz, ends timestamptz
)
  returns table (
    hour timestamptz, samples int8, connections_mean float8, connections_max int8, capacity int8, active_mean float8
  )
  language sql
  stable
as $function$
  select h.starts_at, h.samples, h.connections_sum / h.samples::float8, h.connections_max,
         h.max_connections_last - h.reserved_connections_last, h.active_sum / h.samples::float8
    from monitoring.raw_from(of_target, 'activity_samples', ends) as r
    join monitoring.activity_samples_hourly as h
      on h.target_id = of_target and h.starts_at >= begins and h.starts_at < r.raw_from
  union all
  select pg_catalog.date_trunc('hour', s.sampled_at, 'UTC'), pg_catalog.count(*), pg_catalog.avg(s.connections)::float8,
         pg_catalog.max(s.connections)::int8, pg_catalog.max(s.max_connections - s.reserved_connections)::int8,
         pg_catalog.avg(s.active)::float8
    from monitoring.raw_from(of_target, 'activity_samples', ends) as r
    join monitoring.activity_samples as s
      on s.target_id = of_target and s.sampled_at >= begins and s.sampled_at >= r.raw_from and s.sampled_at < ends
   group by pg_catalog.date_trunc('hour', s.sampled_at, 'UTC')
$function$;
