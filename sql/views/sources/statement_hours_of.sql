-- shows: what one statement did, hour by hour (hours of UTC; `begins` included, `ends` not)
--
-- As statement_hours_between, by the indexes on the statement: for the few that are looked at closely.
create function monitoring.statement_hours_of(
  of_target int4, of_statement int8, begins timestamptz, ends timestamptz
)
  returns table (hour timestamptz, calls int8, exec_us int8, row_count int8, blocks_hit int8, blocks_read int8)
  language sql
  stable
as $function$
  select h.starts_at, h.calls_sum, h.exec_us_sum, h.rows_sum, h.shared_hit_sum, h.shared_read_sum
    from monitoring.raw_from(of_target, 'statement_samples', ends) as r
    join monitoring.statement_samples_hourly as h
      on h.statement_id = of_statement and h.starts_at >= begins and h.starts_at < r.raw_from
  union all
  select pg_catalog.date_trunc('hour', s.sampled_at, 'UTC'), pg_catalog.sum(s.calls)::int8,
         pg_catalog.sum(s.exec_us)::int8, pg_catalog.sum(s.rows)::int8, pg_catalog.sum(s.shared_hit)::int8,
         pg_catalog.sum(s.shared_read)::int8
    from monitoring.raw_from(of_target, 'statement_samples', ends) as r
    join monitoring.statement_samples as s
      on s.statement_id = of_statement and s.sampled_at >= begins and s.sampled_at >= r.raw_from
     and s.sampled_at < ends
   group by pg_catalog.date_trunc('hour', s.sampled_at, 'UTC')
$function$;
