-- shows: what each statement of a target did, hour by hour (hours of UTC; `begins` included, `ends` not)
--
-- From the roll-up as far as it goes, from the samples since. Like all sources it has no `set` clause: a plain SQL
-- function is planned as a part of the statement that calls it, and reads no more than that needs.
create function monitoring.statement_hours_between(
  of_target int4, begins timestamptz, ends timestamptz
)
  returns table (
    statement_id int8, hour timestamptz, calls int8, exec_us int8, row_count int8, blocks_hit int8, blocks_read int8,
    blocks_changed int8, temp_blocks int8, wal_bytes int8
  )
  language sql
  stable
as $function$
  select h.statement_id, h.starts_at, h.calls_sum, h.exec_us_sum, h.rows_sum, h.shared_hit_sum, h.shared_read_sum,
         h.shared_dirtied_sum + h.shared_written_sum, h.temp_read_sum + h.temp_written_sum, h.wal_bytes_sum
    from monitoring.raw_from(of_target, 'statement_samples', ends) as r
    join monitoring.statement_samples_hourly as h
      on h.target_id = of_target and h.starts_at >= begins and h.starts_at < r.raw_from
  union all
  select s.statement_id, pg_catalog.date_trunc('hour', s.sampled_at, 'UTC'), pg_catalog.sum(s.calls)::int8,
         pg_catalog.sum(s.exec_us)::int8, pg_catalog.sum(s.rows)::int8, pg_catalog.sum(s.shared_hit)::int8,
         pg_catalog.sum(s.shared_read)::int8, pg_catalog.sum(s.shared_dirtied + s.shared_written)::int8,
         pg_catalog.sum(s.temp_read + s.temp_written)::int8, pg_catalog.sum(s.wal_bytes)::int8
    from monitoring.raw_from(of_target, 'statement_samples', ends) as r
    join monitoring.statement_samples as s
      on s.target_id = of_target and s.sampled_at >= begins and s.sampled_at >= r.raw_from and s.sampled_at < ends
   group by s.statement_id, pg_catalog.date_trunc('hour', s.sampled_at, 'UTC')
$function$;
