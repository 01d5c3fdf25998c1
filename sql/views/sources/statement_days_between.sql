-- shows: the calls of all statements of a target by database and day of UTC (`begins` included, `ends` not)
create function monitoring.statement_days_between(
  of_target int4, begins timestamptz, ends timestamptz
)
  returns table (database text, day timestamptz, calls int8, exec_us int8)
  language sql
  stable
as $function$
  with rolled as materialized (
    select coalesce(pg_catalog.max(p.rolled_to), begins) as up_to
      from monitoring.roll_up_progress as p
     where p.target_id = of_target and p.sample_table = 'statement_samples' and p.resolution = 'daily'
  ),
  ran as (
    select d.statement_id, d.starts_at as day, d.calls_sum as calls, d.exec_us_sum as exec_us
      from rolled as r
      join monitoring.statement_samples_daily as d
        on d.target_id = of_target and d.starts_at >= begins and d.starts_at < least(r.up_to, ends)
    union all
    select h.statement_id, pg_catalog.date_trunc('day', h.hour, 'UTC'), h.calls, h.exec_us
      from rolled as r
      cross join lateral monitoring.statement_hours_between(of_target, greatest(r.up_to, begins), ends) as h
  )
  select coalesce(k.database, ''), r.day, pg_catalog.sum(r.calls)::int8, pg_catalog.sum(r.exec_us)::int8
    from ran as r
    join monitoring.statements as k on k.statement_id = r.statement_id
   group by coalesce(k.database, ''), r.day
$function$;
