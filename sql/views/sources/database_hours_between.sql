-- shows: what each database of a target did, hour by hour (hours of UTC; `begins` included, `ends` not)
create function monitoring.database_hours_between(
  of_target int4, begins timestamptz, ends timestamptz
)
  returns table (
    database text, hour timestamptz, measured_ms int8, transactions int8, blocks_hit int8, blocks_read int8,
    rows_returned int8, rows_changed int8, temp_files int8, temp_bytes int8, deadlocks int8
  )
  language sql
  stable
as $function$
  select h.database, h.starts_at, h.measured_ms, h.commits_sum + h.rollbacks_sum, h.blocks_hit_sum, h.blocks_read_sum,
         h.rows_returned_sum, h.rows_inserted_sum + h.rows_updated_sum + h.rows_deleted_sum, h.temp_files_sum,
         h.temp_bytes_sum, h.deadlocks_sum
    from monitoring.raw_from(of_target, 'database_samples', ends) as r
    join monitoring.database_samples_hourly as h
      on h.target_id = of_target and h.starts_at >= begins and h.starts_at < r.raw_from
  union all
  select s.database, pg_catalog.date_trunc('hour', s.sampled_at, 'UTC'), pg_catalog.sum(s.interval_ms)::int8,
         pg_catalog.sum(s.commits + s.rollbacks)::int8, pg_catalog.sum(s.blocks_hit)::int8,
         pg_catalog.sum(s.blocks_read)::int8, pg_catalog.sum(s.rows_returned)::int8,
         pg_catalog.sum(s.rows_inserted + s.rows_updated + s.rows_deleted)::int8, pg_catalog.sum(s.temp_files)::int8,
         pg_catalog.sum(s.temp_bytes)::int8, pg_catalog.sum(s.deadlocks)::int8
    from monitoring.raw_from(of_target, 'database_samples', ends) as r
    join monitoring.database_samples as s
      on s.target_id = of_target and s.sampled_at >= begins and s.sampled_at >= r.raw_from and s.sampled_at < ends
   group by s.database, pg_catalog.date_trunc('hour', s.sampled_at, 'UTC')
$function$;
