-- How samples become hours and hours become days. run-maintenance calls begin_roll_ups() and roll_up(), one bucket of one
-- target to a transaction.

-- Up to when a target's samples are complete. A sample carries the now() of the transaction that writes it, and no run
-- may take five minutes: what is older is all there. A day is complete when its hours are rolled up.
create function monitoring.complete_until(of_target int4, of_table text, to_resolution text)
  returns timestamptz
  language sql
  stable
as $function$
  select case to_resolution
    when 'hourly' then now() - interval '5 minutes'
    else (
      select p.rolled_to from monitoring.roll_up_progress as p
      where p.target_id = of_target and p.sample_table = of_table and p.resolution = 'hourly'
    )
  end
$function$;

-- The start of the first bucket that has anything in it from a time on, or of the one that is not complete yet: where
-- there is a gap of days, rolling up need not go through it hour by hour.
create function monitoring.next_bucket(of_target int4, of_table text, to_resolution text, from_time timestamptz)
  returns timestamptz
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $function$
declare
  earliest timestamptz;
begin
  if to_resolution = 'hourly' and of_table = 'samples' then
    -- There is no index by target, but one by subject.
    select min(first.sampled_at) into earliest
      from monitoring.subjects as subject
      cross join lateral (
        select s.sampled_at from monitoring.samples as s
         where s.subject_id = subject.subject_id and s.sampled_at >= from_time
         order by s.sampled_at limit 1
      ) as first
     where subject.target_id = of_target;
  elsif to_resolution = 'hourly' then
    execute format('select min(sampled_at) from monitoring.%I where target_id = $1 and sampled_at >= $2', of_table)
      into earliest using of_target, from_time;
  else
    execute format('select min(starts_at) from monitoring.%I where target_id = $1 and starts_at >= $2', of_table || '_hourly')
      into earliest using of_target, from_time;
  end if;
  return date_trunc(
    case to_resolution when 'hourly' then 'hour' else 'day' end,
    least(earliest, monitoring.complete_until(of_target, of_table, to_resolution))
  );
end
$function$;

-- Begins to roll up what is not rolled up yet: targets that are new, tables that are new. Answers how many.
create function monitoring.begin_roll_ups()
  returns int8
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $function$
declare
  to_resolution text;
  affected int8;
  begun int8 := 0;
begin
  foreach to_resolution in array array['hourly', 'daily'] loop
    insert into monitoring.roll_up_progress (target_id, sample_table, resolution, rolled_to)
    select target.target_id, t.sample_table, t.resolution,
      monitoring.next_bucket(target.target_id, t.sample_table, t.resolution, '-infinity')
    from monitoring.targets as target
    cross join monitoring.partitioned_tables as t
    where t.resolution = to_resolution and not exists (
      select 1 from monitoring.roll_up_progress as p
      where p.target_id = target.target_id and p.sample_table = t.sample_table and p.resolution = t.resolution
    )
    on conflict do nothing;
    get diagnostics affected = row_count;
    begun := begun + affected;
  end loop;
  return begun;
end
$function$;

-- Of a table with a column for every value: what makes a column of the roll-up ($1) of the samples `s` or of the hours.
create function monitoring.rolled_expression(rolled_column text, of_hours bool)
  returns text
  language sql
  immutable
  set search_path = pg_catalog, pg_temp
as $function$
  select case
    when rolled_column = 'starts_at' then '$2'
    when rolled_column = 'samples' then case when of_hours then 'sum(s.samples)' else 'count(*)' end
    when rolled_column = 'measured_ms' then
      case when of_hours then 'sum(s.measured_ms)' else 'sum(s.interval_ms)' end
    -- The sum of an int8 is numeric, and becomes what its column is.
    when way = 'sum' or (way = 'count' and of_hours) then format('sum(s.%I)', value)
    when way in ('min', 'max', 'count') then format('%s(s.%I)', way, value)
    when way = 'last' then
      format('(array_agg(s.%I order by s.%I desc))[1]', value, case when of_hours then 'starts_at' else 'sampled_at' end)
    else format('s.%I', rolled_column)
  end
  from (
    select
      substring(rolled_column from '_(sum|min|max|last|count)$') as way,
      case when of_hours then rolled_column else regexp_replace(rolled_column, '_(sum|min|max|last|count)$', '') end as value
  ) as parsed
$function$;

-- Of a table with a column for every value: whose percentiles are kept, as rows of name, value and weight.
create function monitoring.rolled_percentiles(of_table text)
  returns text
  language sql
  immutable
as $function$
  select case of_table
    when 'statement_samples' then $values$
      ('mean_us', (s.exec_us + s.calls / 2) / nullif(s.calls, 0), s.calls)$values$
    when 'activity_samples' then $values$
      ('connections', s.connections::int8, 1::int8), ('active', s.active, 1), ('idle', s.idle, 1),
      ('idle_in_transaction', s.idle_in_transaction, 1),
      ('idle_in_transaction_aborted', s.idle_in_transaction_aborted, 1), ('waiting_on_lock', s.waiting_on_lock, 1),
      ('longest_transaction_ms', s.longest_transaction_ms, 1), ('longest_statement_ms', s.longest_statement_ms, 1),
      ('oldest_idle_in_transaction_ms', s.oldest_idle_in_transaction_ms, 1)$values$
    when 'database_samples' then $values$('backends', s.backends::int8, 1::int8)$values$
  end
$function$;

-- The statement that rolls up one bucket ($1 target, $2 start, $3 end) of a table with a column for every value. What it
-- makes is read off the columns of the roll-up table.
create function monitoring.typed_roll_up(of_table text, to_resolution text)
  returns text
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $function$
declare
  of_hours constant bool := to_resolution = 'daily';
  columns text;
  expressions text;
  keys text;
  same_keys text;
begin
  select
    string_agg(quote_ident(made.name), ', ' order by made.position),
    string_agg(made.expression || ' as ' || quote_ident(made.name), ', ' order by made.position),
    string_agg(made.expression, ', ' order by made.position) filter (where made.is_key),
    string_agg(format('h.%I = r.%I', made.name, made.name), ' and ') filter (where made.is_key)
    into columns, expressions, keys, same_keys
    from (
      select a.attname as name, a.attnum as position, monitoring.rolled_expression(a.attname, of_hours) as expression,
        monitoring.rolled_expression(a.attname, of_hours) = format('s.%I', a.attname) as is_key
      from pg_attribute as a
      where a.attrelid = to_regclass(format('monitoring.%I', of_table || '_' || to_resolution))
        and a.attnum > 0 and not a.attisdropped and a.attname <> 'histograms'
    ) as made;
  return format(
    $statement$
    insert into monitoring.%1$I (%2$s, histograms)
    select r.*, h.histograms
    from (
      select %3$s
      from monitoring.%4$I as s
      where s.target_id = $1 and s.%5$I >= $2 and s.%5$I < $3
      group by %6$s
    ) as r
    left join (
      select %7$s, jsonb_object_agg(s.name, s.buckets) as histograms
      from (
        select %7$s, s.name, jsonb_object_agg(s.bucket, s.held) as buckets
        from (
          select %6$s, m.name, m.bucket, sum(m.held)::int8 as held
          from monitoring.%4$I as s
          cross join lateral (%8$s) as m (name, bucket, held)
          where s.target_id = $1 and s.%5$I >= $2 and s.%5$I < $3 and m.bucket is not null
          group by %6$s, m.name, m.bucket
        ) as s
        group by %7$s, s.name
      ) as s
      group by %7$s
    ) as h on %9$s
    $statement$,
    of_table || '_' || to_resolution, columns, expressions,
    case when of_hours then of_table || '_hourly' else of_table end,
    case when of_hours then 'starts_at' else 'sampled_at' end,
    keys, keys,
    case when of_hours then
      'select c.key, b.key::int4, b.value::int8 from jsonb_each(s.histograms) as c, jsonb_each_text(c.value) as b'
    else format(
      'select v.name, monitoring.histogram_bucket(v.value), v.weight from (values %s) as v (name, value, weight)',
      monitoring.rolled_percentiles(of_table)
    ) end,
    same_keys
  );
end
$function$;

-- Rolls up an hour of the samples that are arrays of numbers by position, and answers the number of rows.
create function monitoring.roll_up_samples_hourly(of_target int4, from_time timestamptz, to_time timestamptz)
  returns int8
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $function$
declare
  written int8;
begin
  insert into monitoring.samples_hourly (
    subject_id, starts_at, target_id, collector_id, samples, measured_ms, counts, sums, minima, maxima, lasts, histograms
  )
  with sample as materialized (
    select s.subject_id, s.collector_id, s.sampled_at, s.interval_ms, s."values"
    from monitoring.subjects as subject
    -- There is no index by target, but one by subject; `offset 0` keeps this from becoming a scan of all targets.
    cross join lateral (
      select * from monitoring.samples as s
      where s.subject_id = subject.subject_id and s.sampled_at >= $2 and s.sampled_at < $3
      offset 0
    ) as s
    where subject.target_id = of_target
  ),
  whole as (
    select s.subject_id, s.collector_id, count(*) as samples, sum(s.interval_ms)::int8 as measured_ms
    from sample as s
    group by s.subject_id, s.collector_id
  ),
  newest as (
    select distinct on (s.subject_id) s.subject_id, s."values" from sample as s order by s.subject_id, s.sampled_at desc
  ),
  position as (
    select s.subject_id, v.position, count(v.value) as known, sum(v.value) as total, min(v.value) as least,
      max(v.value) as greatest
    from sample as s
    cross join lateral unnest(s."values") with ordinality as v (value, position)
    group by s.subject_id, v.position
  ),
  number as (
    select p.subject_id, array_agg(p.known order by p.position) as counts, array_agg(p.total order by p.position) as sums,
      array_agg(p.least order by p.position) as minima, array_agg(p.greatest order by p.position) as maxima
    from position as p
    group by p.subject_id
  ),
  bucket as (
    select s.subject_id, p.name, monitoring.histogram_bucket(s."values"[array_position(c.columns, p.name)]) as bucket,
      count(*) as held
    from monitoring.collectors as c
    cross join lateral unnest(c.percentiles) as p (name)
    join sample as s on s.collector_id = c.collector_id
    group by s.subject_id, p.name, bucket
  ),
  histogram as (
    select h.subject_id, jsonb_object_agg(h.name, h.buckets) as histograms
    from (
      select b.subject_id, b.name, jsonb_object_agg(b.bucket, b.held) as buckets
      from bucket as b
      where b.bucket is not null
      group by b.subject_id, b.name
    ) as h
    group by h.subject_id
  )
  select
    w.subject_id, $2, of_target, w.collector_id, w.samples, w.measured_ms,
    coalesce(n.counts, '{}'), coalesce(n.sums, '{}'), coalesce(n.minima, '{}'), coalesce(n.maxima, '{}'), l."values",
    h.histograms
  from whole as w
  join newest as l on l.subject_id = w.subject_id
  left join number as n on n.subject_id = w.subject_id
  left join histogram as h on h.subject_id = w.subject_id;
  get diagnostics written = row_count;
  return written;
end
$function$;

-- Rolls up a day of their hours, and answers the number of rows.
create function monitoring.roll_up_samples_daily(of_target int4, from_time timestamptz, to_time timestamptz)
  returns int8
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $function$
declare
  written int8;
begin
  insert into monitoring.samples_daily (
    subject_id, starts_at, target_id, collector_id, samples, measured_ms, counts, sums, minima, maxima, lasts, histograms
  )
  with hour as materialized (
    select * from monitoring.samples_hourly as s where s.target_id = of_target and s.starts_at >= $2 and s.starts_at < $3
  ),
  whole as (
    select s.subject_id, s.collector_id, sum(s.samples)::int8 as samples, sum(s.measured_ms)::int8 as measured_ms
    from hour as s
    group by s.subject_id, s.collector_id
  ),
  newest as (
    select distinct on (s.subject_id) s.subject_id, s.lasts from hour as s order by s.subject_id, s.starts_at desc
  ),
  position as (
    select s.subject_id, v.position, sum(v.known)::int8 as known, sum(v.total) as total, min(v.least) as least,
      max(v.greatest) as greatest
    from hour as s
    cross join lateral unnest(s.counts, s.sums, s.minima, s.maxima)
      with ordinality as v (known, total, least, greatest, position)
    group by s.subject_id, v.position
  ),
  number as (
    select p.subject_id, array_agg(p.known order by p.position) as counts, array_agg(p.total order by p.position) as sums,
      array_agg(p.least order by p.position) as minima, array_agg(p.greatest order by p.position) as maxima
    from position as p
    group by p.subject_id
  ),
  bucket as (
    select s.subject_id, c.key as name, b.key as bucket, sum(b.value::int8)::int8 as held
    from hour as s
    cross join lateral jsonb_each(s.histograms) as c
    cross join lateral jsonb_each_text(c.value) as b
    group by s.subject_id, c.key, b.key
  ),
  histogram as (
    select h.subject_id, jsonb_object_agg(h.name, h.buckets) as histograms
    from (
      select b.subject_id, b.name, jsonb_object_agg(b.bucket, b.held) as buckets
      from bucket as b
      group by b.subject_id, b.name
    ) as h
    group by h.subject_id
  )
  select
    w.subject_id, $2, of_target, w.collector_id, w.samples, w.measured_ms,
    coalesce(n.counts, '{}'), coalesce(n.sums, '{}'), coalesce(n.minima, '{}'), coalesce(n.maxima, '{}'), l.lasts,
    h.histograms
  from whole as w
  join newest as l on l.subject_id = w.subject_id
  left join number as n on n.subject_id = w.subject_id
  left join histogram as h on h.subject_id = w.subject_id;
  get diagnostics written = row_count;
  return written;
end
$function$;

-- Rolls up the next bucket of a target, if it is complete, and answers the number of rows; null when it is not, or when
-- another session is at it. The bucket is made whole of its source and replaces what is there, and the progress moves in
-- the same transaction: whatever is cut off is as if it had never begun.
create function monitoring.roll_up(of_target int4, of_table text, to_resolution text)
  returns int8
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  -- Sums of an hour of a large target fit into memory, and compiling each statement costs more than running it.
  set work_mem = '64MB'
  set jit = off
  -- The tables grow faster than they are analysed: an estimate of one row must not lead to aggregating once for each.
  set enable_nestloop = off
as $function$
declare
  starts_at timestamptz;
  ends_at timestamptz;
  written int8;
begin
  select p.rolled_to into starts_at
    from monitoring.roll_up_progress as p
   where p.target_id = of_target and p.sample_table = of_table and p.resolution = to_resolution
     for update skip locked;
  ends_at := starts_at + case to_resolution when 'hourly' then interval '1 hour' else interval '1 day' end;
  if starts_at is null or (ends_at <= monitoring.complete_until(of_target, of_table, to_resolution)) is not true then
    return null;
  end if;
  perform monitoring.make_partition(of_table || '_' || to_resolution, starts_at);
  execute format('delete from monitoring.%I where target_id = $1 and starts_at = $2', of_table || '_' || to_resolution)
    using of_target, starts_at;
  if of_table = 'samples' and to_resolution = 'hourly' then
    written := monitoring.roll_up_samples_hourly(of_target, starts_at, ends_at);
  elsif of_table = 'samples' then
    written := monitoring.roll_up_samples_daily(of_target, starts_at, ends_at);
  else
    execute monitoring.typed_roll_up(of_table, to_resolution) using of_target, starts_at, ends_at;
    get diagnostics written = row_count;
  end if;
  update monitoring.roll_up_progress as p
     set rolled_to = case
       when written > 0 then ends_at
       else greatest(ends_at, monitoring.next_bucket(of_target, of_table, to_resolution, ends_at))
     end
   where p.target_id = of_target and p.sample_table = of_table and p.resolution = to_resolution;
  return written;
end
$function$;
