-- Thirty days of a large target as its samples and roll-ups would be: 5,000 statements, 500 of which run in each interval
-- of the last two hours, 2,000 tables, 6,000 indexes, 400 groups of connections and 50 wait events.

insert into monitoring.targets (name, address, created_at)
values ('large', 'postgres://u@127.0.0.1/x', now() - interval '60 days');

insert into monitoring.roll_up_progress (target_id, sample_table, resolution, rolled_to)
select t.target_id, s.sample_table, r.resolution,
       case r.resolution
         when 'hourly' then date_trunc('hour', now(), 'UTC') - interval '1 hour'
         else date_trunc('day', now(), 'UTC')
       end
  from monitoring.targets as t
  cross join (values ('samples'), ('statement_samples'), ('activity_samples'), ('database_samples')) as s (sample_table)
  cross join (values ('hourly'), ('daily')) as r (resolution)
 where t.name = 'large'
    on conflict (target_id, sample_table, resolution) do update set rolled_to = excluded.rolled_to;

select monitoring.make_partition(p.table_name, now() - day * interval '1 day')
  from monitoring.partitioned_tables as p
  cross join generate_series(0, 60) as day
 where p.table_name ~ 'samples_(hourly|daily)$' or (p.table_name ~ 'samples$' and day < 9);

insert into monitoring.statements (target_id, statement_key, database, user_name, query_id, top_level, query)
select t.target_id, '1/1/' || n || '/t', 'large', 'app', n, true, 'select * from wide where c' || n || ' = $1'
  from monitoring.targets as t, generate_series(1, 5000) as n
 where t.name = 'large';

insert into monitoring.statement_samples (
  target_id, statement_id, sampled_at, interval_ms, calls, plan_us, exec_us, rows, shared_hit, shared_read, shared_dirtied,
  shared_written, temp_read, temp_written, read_us, write_us, wal_bytes
)
select k.target_id, k.statement_id, at, 15000, 10, 0, 102 * k.query_id, 10, 100, 1, 0, 0, 0, 0, 0, 0, 0
  from generate_series(date_trunc('hour', now(), 'UTC') - interval '1 hour', now(), interval '15 seconds') as at
  join monitoring.statements as k on mod(k.query_id, 10) = mod(extract(epoch from at)::int8 / 15, 10);

-- What a roll-up has of a statement beyond its sums is not read by any view.
do $made$
declare
  rolled text;
begin
  for rolled in values ('hourly'), ('daily') loop
    execute (
      select format(
        'insert into monitoring.statement_samples_%1$s (%2$s) select %3$s
           from generate_series(date_trunc(''day'', now(), ''UTC'') - interval ''%4$s'', now() - interval ''2 hours'', interval ''%5$s'') as at,
                monitoring.statements as k where mod(k.query_id, 10) < %6$s',
        rolled, string_agg(quote_ident(a.attname), ', ' order by a.attnum),
        string_agg(
          case a.attname
            when 'statement_id' then 'k.statement_id' when 'target_id' then 'k.target_id' when 'starts_at' then 'at'
            when 'histograms' then 'null' when 'calls_sum' then '240' when 'exec_us_sum' then '2448 * k.query_id'
            else '1'
          end, ', ' order by a.attnum
        ),
        case rolled when 'hourly' then '7 days' else '60 days' end,
        case rolled when 'hourly' then '1 hour' else '1 day' end, 10
      )
        from pg_attribute as a
       where a.attrelid = to_regclass('monitoring.statement_samples_' || rolled) and a.attnum > 0 and not a.attisdropped
    );
  end loop;
end
$made$;

insert into monitoring.subjects (target_id, collector_id, subject_key, labels, first_seen)
select t.target_id, c.collector_id, v.collector || n,
       jsonb_build_object(
         'schema', 'public', 'table', 'table_' || mod(n, 2000), 'index', 'index_' || n, 'database', 'large',
         'user_name', 'app', 'application', 'app ' || n, 'backend_type', 'client backend', 'state', 'idle',
         'wait_event_type', 'IO', 'wait_event', 'event ' || n, 'mode', 'ShareLock', 'sequence', 'sequence_' || n
       ),
       now() - interval '60 days'
  from monitoring.targets as t
  cross join (
    values ('tables', 2000), ('indexes', 6000), ('vacuum', 2000), ('relation_sizes', 2000), ('table_bloat', 2000),
      ('sequences', 1000), ('connections', 400), ('waits', 50), ('locks', 20), ('wraparound', 5), ('database_sizes', 5),
      ('wal', 1), ('checkpoints', 1)
  ) as v (collector, subjects)
  join monitoring.collectors as c on c.collector = v.collector
  cross join lateral generate_series(1, v.subjects) as n
 where t.name = 'large';

insert into monitoring.samples (subject_id, target_id, collector_id, sampled_at, interval_ms, "values")
select u.subject_id, u.target_id, u.collector_id, at, 300000, array_fill(1000::int8, array[cardinality(c.columns)])
  from monitoring.subjects as u
  join monitoring.collectors as c using (collector_id)
  join monitoring.targets as t on t.target_id = u.target_id and t.name = 'large'
  cross join generate_series(date_trunc('hour', now(), 'UTC') - interval '1 hour', now(), interval '5 minutes') as at
 where c.keeps = 'all' or mod(u.subject_id, 4) = 0 or at = date_trunc('hour', now(), 'UTC') - interval '1 hour';

-- Half of the tables and indexes change in an hour, all of them on each day.
do $made$
declare
  rolled text;
begin
  for rolled in values ('hourly'), ('daily') loop
    execute format(
      'insert into monitoring.samples_%1$s (
         subject_id, starts_at, target_id, collector_id, samples, measured_ms, counts, sums, minima, maxima, lasts
       )
       select u.subject_id, at, u.target_id, u.collector_id, 12, 3600000, array_fill(12::int8, w.width),
              array_fill(12000::numeric, w.width), array_fill(1000::int8, w.width), array_fill(1000::int8, w.width),
              array_fill(1000::int8, w.width)
         from monitoring.subjects as u
         join monitoring.collectors as c using (collector_id)
         join monitoring.targets as t on t.target_id = u.target_id and t.name = ''large''
         cross join lateral (select array[cardinality(c.columns)] as width) as w
         cross join generate_series(
           date_trunc(''day'', now(), ''UTC'') - interval ''%2$s'', now() - interval ''2 hours'', interval ''%3$s''
         ) as at
        where c.keeps = ''all'' or ''%1$s'' = ''daily'' or mod(u.subject_id + extract(epoch from at)::int8 / 3600, 2) = 0',
      rolled, case rolled when 'hourly' then '7 days' else '31 days' end,
      case rolled when 'hourly' then '1 hour' else '1 day' end
    );
  end loop;
end
$made$;

analyze;
