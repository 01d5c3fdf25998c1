-- shows: statements that became slower, since when, and what changed with them
--
-- A statement is compared with itself only. The hours of `before` are walked, and the hour is found that best parts them
-- into a faster and a slower time (the split with the greatest variance between its sides, on the logarithm of the mean
-- of each hour, so that one very slow hour does not outweigh a day). It is told of if all of this holds:
--   - at least `minimum_calls` calls on either side, and two hours since that are slow by themselves;
--   - both the mean since and the mean of the last hour are 20 % over the mean before;
--   - the mean since is above what nearly every hour before was (median and three robust standard deviations);
--   - it is slower than at the same hours of the day before, where those are known: a nightly report is no regression;
--   - it matters: 50 ms more per call, or `minimum_step_ms` and one percent of the time of all statements.
-- 20 % more is info, 50 % warning, twice critical.
create function monitoring.slow_statements(
  target text default null,
  at timestamptz default now(),
  before interval default interval '7 days',
  minimum_calls int8 default 20,
  minimum_step_ms float8 default 1
)
  returns table (
    target text, severity text, since timestamptz, mean_ms_before float8, mean_ms_since float8, mean_ms_now float8,
    times_slower float8, calls_before int8, calls_since int8, extra_seconds float8, share_percent float8,
    rows_factor float8, blocks_factor float8, reads_factor float8, database text, user_name text, query_id int8,
    query text, advice text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $function$
  with recent as materialized (
    -- The last hour and what is begun of this one.
    select t.target_id, h.statement_id, sum(h.exec_us) / sum(h.calls)::float8 as mean_us, sum(h.exec_us)::float8 as exec_us,
           sum(sum(h.exec_us)) over (partition by t.target_id)::float8 as all_us
      from monitoring.targets as t
      cross join lateral monitoring.statement_hours_between(
        t.target_id, date_trunc('hour', slow_statements.at, 'UTC') - interval '1 hour', slow_statements.at
      ) as h
     where (slow_statements.target is null or t.name = slow_statements.target) and h.calls > 0
     group by t.target_id, h.statement_id
  ),
  -- Only what takes some time now can be worth telling of: the rest is not walked.
  candidates as materialized (
    select r.target_id, r.statement_id, r.mean_us, 100 * r.exec_us / greatest(r.all_us, 1) as share_percent
      from recent as r
     where r.mean_us >= 50000 or (r.exec_us >= r.all_us * 0.01 and r.mean_us >= slow_statements.minimum_step_ms * 1000)
  ),
  weighed as materialized (
    select c.target_id, c.statement_id, c.mean_us as recent_us, c.share_percent, h.hour, h.calls, h.exec_us, h.row_count,
           h.blocks_hit + h.blocks_read as blocks, h.blocks_read, h.exec_us / h.calls::float8 as mean_us,
           least(h.calls, slow_statements.minimum_calls)::float8 as weight,
           ln(greatest(h.exec_us / h.calls::float8, 1)) as log_us
      from candidates as c
      cross join lateral monitoring.statement_hours_of(
        c.target_id, c.statement_id, date_trunc('hour', slow_statements.at - slow_statements.before, 'UTC'),
        slow_statements.at
      ) as h
     where h.calls > 0
  ),
  walked as (
    select w.*,
           sum(calls) over earlier as calls_before, sum(exec_us) over earlier as us_before,
           sum(weight) over earlier as weight_before, sum(weight * log_us) over earlier as log_before,
           sum(calls) over whole as calls_all, sum(exec_us) over whole as us_all,
           sum(weight) over whole as weight_all, sum(weight * log_us) over whole as log_all
      from weighed as w
    window whole as (partition by target_id, statement_id),
           earlier as (
             partition by target_id, statement_id order by hour rows between unbounded preceding and 1 preceding
           )
  ),
  split as (
    select distinct on (target_id, statement_id)
           target_id, statement_id, hour as since, recent_us, share_percent, calls_before,
           calls_all - calls_before as calls_since, us_before / calls_before::float8 as before_us,
           (us_all - us_before) / (calls_all - calls_before)::float8 as since_us
      from walked
     where calls_before >= slow_statements.minimum_calls
       and calls_all - calls_before >= slow_statements.minimum_calls
       and (log_all - log_before) / (weight_all - weight_before) > log_before / weight_before
     order by target_id, statement_id,
              weight_before * (weight_all - weight_before)
              * ((log_all - log_before) / (weight_all - weight_before) - log_before / weight_before) ^ 2 desc,
              hour
  ),
  slower as (
    select * from split
     where since_us >= before_us * 1.2
       and recent_us >= before_us * 1.2
       and (
         since_us - before_us >= 50000
         or (
           since_us - before_us >= slow_statements.minimum_step_ms * 1000
           and share_percent * (since_us - before_us) / since_us >= 1
         )
       )
  ),
  usual as (
    select s.target_id, s.statement_id, percentile_cont(0.5) within group (order by w.mean_us) as median_us
      from slower as s
      join weighed as w on w.target_id = s.target_id and w.statement_id = s.statement_id and w.hour < s.since
     group by s.target_id, s.statement_id
  ),
  spread as (
    select u.target_id, u.statement_id, u.median_us,
           1.4826 * percentile_cont(0.5) within group (order by abs(w.mean_us - u.median_us)) as deviation_us
      from usual as u
      join slower as s using (target_id, statement_id)
      join weighed as w on w.target_id = u.target_id and w.statement_id = u.statement_id and w.hour < s.since
     group by u.target_id, u.statement_id, u.median_us
  ),
  sides as (
    select s.target_id, s.statement_id,
           count(*) filter (where w.hour >= s.since and w.mean_us >= s.before_us * 1.2) as slow_hours,
           sum(w.exec_us) filter (where w.hour < s.since and w.same_hour)
             / nullif(sum(w.calls) filter (where w.hour < s.since and w.same_hour), 0)::float8 as same_hours_us,
           sum(w.calls) filter (where w.hour < s.since and w.same_hour) as same_hours_calls,
           sum(w.row_count) filter (where w.hour < s.since) / s.calls_before::float8 as rows_before,
           sum(w.row_count) filter (where w.hour >= s.since) / s.calls_since::float8 as rows_since,
           sum(w.blocks) filter (where w.hour < s.since) / s.calls_before::float8 as blocks_before,
           sum(w.blocks) filter (where w.hour >= s.since) / s.calls_since::float8 as blocks_since,
           sum(w.blocks_read) filter (where w.hour < s.since) / s.calls_before::float8 as reads_before,
           sum(w.blocks_read) filter (where w.hour >= s.since) / s.calls_since::float8 as reads_since
      from slower as s
      join (
        select weighed.*,
               mod((extract(epoch from slow_statements.at - weighed.hour) / 3600)::int8, 24) in (0, 1, 23) as same_hour
          from weighed
      ) as w on w.target_id = s.target_id and w.statement_id = s.statement_id
     group by s.target_id, s.statement_id, s.since, s.calls_before, s.calls_since
  ),
  found as (
    select s.target_id, s.statement_id, s.since, s.before_us, s.since_us, s.recent_us, s.calls_before, s.calls_since,
           s.share_percent, s.since_us / s.before_us as factor, x.rows_since / nullif(x.rows_before, 0) as rows_factor,
           x.blocks_since / nullif(x.blocks_before, 0) as blocks_factor,
           x.reads_since / nullif(x.reads_before, 0) as reads_factor
      from slower as s
      join spread as p using (target_id, statement_id)
      join sides as x using (target_id, statement_id)
     where x.slow_hours >= 2
       and s.since_us > p.median_us + 3 * p.deviation_us
       and (
         coalesce(x.same_hours_calls, 0) < slow_statements.minimum_calls or s.recent_us >= x.same_hours_us * 1.2
       )
  )
  select t.name,
         case when f.factor >= 2 then 'critical' when f.factor >= 1.5 then 'warning' else 'info' end,
         f.since, f.before_us / 1000, f.since_us / 1000, f.recent_us / 1000, f.factor, f.calls_before::int8,
         f.calls_since::int8, (f.since_us - f.before_us) * f.calls_since / 1e6, f.share_percent, f.rows_factor,
         f.blocks_factor, f.reads_factor, k.database, k.user_name, k.query_id, k.query,
         case
           when f.rows_factor >= 1.2 and f.rows_factor >= f.factor * 0.7 then
             'it returns more rows with each call: see what it is asked for, and whether a limit or a page is missing'
           when f.blocks_factor >= 1.2 then
             'it reads more blocks for the same rows: its plan changed or its tables grew or are bloated. '
             'explain (analyze, buffers) the statement; run analyze on its tables; see index_usage, vacuum_needs and bloat'
           when f.reads_factor >= 1.2 then
             'the same blocks come from disk more often: the cache is too small for what is used now, see resource_use'
           else
             'it does the same work in more time: it waits for locks, for the disk or for a processor. '
             'See wait_profile and blocking since then'
         end
    from found as f
    join monitoring.targets as t using (target_id)
    join monitoring.statements as k on k.target_id = f.target_id and k.statement_id = f.statement_id
   order by (f.since_us - f.before_us) * f.calls_since desc
$function$;
