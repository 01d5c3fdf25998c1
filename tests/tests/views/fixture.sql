-- What tests make a history of: samples of any moment, as if they had been collected then.

create schema made;

-- The partitions that a history of so many days needs.
create function made.room_for(days int4) returns void language plpgsql as $function$
declare
  part record;
begin
  for part in
    select t.table_name, now() - day * interval '1 day' as at
      from monitoring.partitioned_tables as t
      cross join generate_series(0, days) as day
     where t.table_name ~ 'samples|blocked_sessions'
  loop
    perform monitoring.make_partition(part.table_name, part.at);
  end loop;
end
$function$;

create function made.target(named text) returns int4 language sql as $function$
  insert into monitoring.targets (name, address, created_at)
  values (named, 'postgres://u@127.0.0.1/x', now() - interval '2 years')
  returning target_id
$function$;

-- A statement with its samples: one each `every`, with calls and their time as a function of the moment makes them.
create function made.statement(on_target text, number int8, text_of_it text) returns int8 language sql as $function$
  insert into monitoring.statements (target_id, statement_key, database, user_name, query_id, top_level, query, first_seen)
  select target_id, '1/1/' || number || '/t', 'shop', 'app', number, true, text_of_it, now() - interval '1 year'
    from monitoring.targets where name = on_target
  returning statement_id
$function$;

create function made.ran(
  statement int8, at timestamptz, calls int8, mean_ms float8, blocks int8 default 10, wal_bytes int8 default 0,
  temp_blocks int8 default 0
) returns void language sql as $function$
  insert into monitoring.statement_samples (
    target_id, statement_id, sampled_at, interval_ms, calls, plan_us, exec_us, rows, shared_hit, shared_read,
    shared_dirtied, shared_written, temp_read, temp_written, read_us, write_us, wal_bytes
  )
  select k.target_id, statement, at, 600000, calls, 0, (calls * mean_ms * 1000)::int8, calls, calls * blocks, 0, 0, 0, 0,
         temp_blocks, 0, 0, wal_bytes
    from monitoring.statements as k where k.statement_id = statement
$function$;

-- The client connections of a target at a moment; 97 may be used by ordinary logins.
create function made.activity(
  on_target text, at timestamptz, connections int8, idle_in_transaction_seconds int8 default 0
) returns void language sql as $function$
  insert into monitoring.activity_samples (
    target_id, sampled_at, connections, max_connections, reserved_connections, active, idle, idle_in_transaction,
    idle_in_transaction_aborted, waiting_on_lock, longest_transaction_ms, longest_statement_ms,
    oldest_idle_in_transaction_ms
  )
  select target_id, at, connections, 100, 3, 1, greatest(connections - 1, 0), (idle_in_transaction_seconds > 0)::int4, 0,
         0, idle_in_transaction_seconds * 1000, 0, idle_in_transaction_seconds * 1000
    from monitoring.targets where name = on_target
$function$;

create function made.database(
  on_target text, at timestamptz, transactions int8, hit int8 default 0, read int8 default 0, temp_bytes int8 default 0
) returns void language sql as $function$
  insert into monitoring.database_samples (
    target_id, sampled_at, database, interval_ms, backends, commits, rollbacks, blocks_read, blocks_hit, rows_returned,
    rows_fetched, rows_inserted, rows_updated, rows_deleted, conflicts, temp_files, temp_bytes, deadlocks, read_us,
    write_us
  )
  select target_id, at, 'shop', 600000, 1, transactions, 0, read, hit, 0, 0, 0, 0, 0, 0, (temp_bytes > 0)::int4,
         temp_bytes, 0, 0, 0
    from monitoring.targets where name = on_target
$function$;

-- A sample of any collector: the numbers by name, the names and texts of its subject.
create function made.sample(
  on_target text, of_collector text, names jsonb, at timestamptz, numbers jsonb, its_texts jsonb default '{}'
) returns void language sql as $function$
  with subject as (
    insert into monitoring.subjects (target_id, collector_id, subject_key, labels, texts, first_seen)
    select t.target_id, c.collector_id, names::text, names, its_texts, at
      from monitoring.targets as t, monitoring.collectors as c
     where t.name = on_target and c.collector = of_collector
    on conflict (target_id, collector_id, subject_key) do update
      set texts = excluded.texts, first_seen = least(subjects.first_seen, excluded.first_seen)
    returning subject_id, target_id, collector_id
  )
  insert into monitoring.samples (subject_id, target_id, collector_id, sampled_at, interval_ms, "values")
  select s.subject_id, s.target_id, s.collector_id, at, 600000,
         coalesce((
           select array_agg((numbers ->> name)::int8 order by position)
             from unnest(c.columns) with ordinality as columns (name, position)
         ), '{}')
    from subject as s
    join monitoring.collectors as c using (collector_id)
$function$;

-- Rolls up whatever can be, as run-maintenance does.
create function made.roll_up() returns void language plpgsql as $function$
declare
  one record;
  rows int8;
begin
  insert into monitoring.roll_up_progress (target_id, sample_table, resolution, rolled_to)
  select t.target_id, s.sample_table, r.resolution, date_trunc('day', now() - interval '100 days', 'UTC')
    from monitoring.targets as t
    cross join (values ('samples'), ('statement_samples'), ('activity_samples'), ('database_samples')) as s (sample_table)
    cross join (values ('hourly'), ('daily')) as r (resolution)
  on conflict do nothing;
  for one in select * from monitoring.roll_up_progress order by resolution desc, target_id, sample_table
  loop
    loop
      rows := monitoring.roll_up(one.target_id, one.sample_table, one.resolution);
      exit when rows is null;
    end loop;
  end loop;
end
$function$;
