-- Partitions made ahead and dropped in time, and the rows of the other tables that have had their day.

create table monitoring.partitioned_tables (
  table_name text primary key,
  step interval not null default '1 day',
  ahead int4 not null default 7,
  retention interval not null,
  maintained_at timestamptz,
  constraint partitioned_tables_name_fits check (table_name ~ '^[a-z][a-z0-9_]{0,51}$'),
  constraint partitioned_tables_step_is_whole_days check (
    step >= interval '1 day' and mod(extract(epoch from step)::int8, 86400) = 0
  ),
  constraint partitioned_tables_are_made_ahead check (ahead between 1 and 60),
  constraint partitioned_tables_retention_holds_a_step check (retention >= step)
);

comment on table monitoring.partitioned_tables is 'Which tables are partitioned by time, in what steps, and how long their rows are kept.';

insert into monitoring.partitioned_tables (table_name, retention) values
  ('statement_samples', interval '7 days'),
  ('activity_samples', interval '7 days'),
  ('database_samples', interval '7 days'),
  -- Three functions make 29,000 rows a day.
  ('function_runs', interval '7 days');

-- Makes the partitions of one table from today to `ahead` steps on, drops those past their retention, and answers how
-- many were made and dropped. Bounds are days of UTC counted from 1970, so that they do not depend on who calls.
create function monitoring.maintain_table(maintained_table text)
  returns int8
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set lock_timeout = '2s'
as $function$
declare
  plan record;
  step_days int4;
  first_day date;
  starts_on date;
  partition_name text;
  changes int8 := 0;
begin
  select t.step, t.ahead, t.retention into plan
    from monitoring.partitioned_tables as t where t.table_name = maintained_table;
  if not found then
    raise exception 'table % is not registered in monitoring.partitioned_tables', maintained_table;
  end if;
  step_days := extract(epoch from plan.step)::int8 / 86400;
  first_day := date '1970-01-01' + ((current_date - date '1970-01-01') / step_days) * step_days;

  for step_number in 0 .. plan.ahead loop
    starts_on := first_day + step_number * step_days;
    partition_name := maintained_table || '_p' || to_char(starts_on, 'YYYYMMDD');
    if to_regclass(format('monitoring.%I', partition_name)) is null then
      -- Made apart and attached: `create table … partition of` would lock out the writers of the parent.
      execute format(
        'create table monitoring.%I (like monitoring.%I including all excluding identity)', partition_name, maintained_table
      );
      execute format(
        'alter table monitoring.%I attach partition monitoring.%I for values from (%L) to (%L)',
        maintained_table, partition_name, starts_on::timestamptz, (starts_on + step_days)::timestamptz
      );
      changes := changes + 1;
    end if;
  end loop;

  for partition_name, starts_on in
    select child.relname, to_date(right(child.relname, 8), 'YYYYMMDD')
      from pg_inherits as link
      join pg_class as child on child.oid = link.inhrelid
     where link.inhparent = to_regclass(format('monitoring.%I', maintained_table))
       and child.relname ~ ('^' || maintained_table || '_p[0-9]{8}$')
     order by child.relname
  loop
    continue when (starts_on + step_days)::timestamptz > now() - plan.retention;
    begin
      execute format('drop table monitoring.%I', partition_name);
      changes := changes + 1;
    exception when lock_not_available then
      -- Somebody is reading it: the next round drops it.
      raise notice 'partition % is in use and kept for now', partition_name;
    end;
  end loop;

  update monitoring.partitioned_tables set maintained_at = now() where table_name = maintained_table;
  return changes;
end
$function$;

-- Deletes rows past their use from the tables that are not partitioned, in bounded bites, and answers how many.
create function monitoring.remove_old_rows()
  returns int8
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
declare
  bite constant int4 := 10000;
  removed int8 := 0;
  affected int8;
begin
  -- A message that nobody fetched for a week (its channel is disabled) tells of the past.
  update monitoring.outbox
     set dead_at = now(), lease_until = null, last_error = coalesce(last_error, 'not delivered within 7 days')
   where message_id in (
     select waiting.message_id from monitoring.outbox as waiting
      where waiting.delivered_at is null and waiting.dead_at is null and waiting.created_at < now() - interval '7 days'
      limit bite
   );

  delete from monitoring.outbox
   where message_id in (
     select ended.message_id from monitoring.outbox as ended
      where coalesce(ended.delivered_at, ended.dead_at) < now() - interval '30 days'
        and (ended.delivered_at is not null or ended.dead_at is not null)
        -- What was told of an open alert says who is to hear of its end.
        and not exists (
          select 1 from monitoring.alerts as a where a.alert_id = ended.alert_id and a.state <> 'resolved'
        )
      limit bite
   );
  get diagnostics affected = row_count;
  removed := removed + affected;

  delete from monitoring.alerts
   where alert_id in (
     select resolved.alert_id from monitoring.alerts as resolved
      where resolved.state = 'resolved' and resolved.resolved_at < now() - interval '2 years'
      limit bite
   );
  get diagnostics affected = row_count;
  removed := removed + affected;

  delete from monitoring.statements
   where statement_id in (
     select unseen.statement_id from monitoring.statements as unseen
      where unseen.last_seen < now() - interval '90 days'
        and not exists (
          select 1 from monitoring.statement_samples as sample where sample.statement_id = unseen.statement_id
        )
      limit bite
   );
  get diagnostics affected = row_count;
  return removed + affected;
end
$function$;

-- Everything that keeps the schema from growing for ever. Called at the start of every run, so it returns at once when
-- the last round is less than an hour ago or another session is at it. Answers the number of changes.
create function monitoring.maintain_partitions()
  returns int8
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
declare
  maintained_table text;
  changes int8 := 0;
begin
  if not exists (
    select 1 from monitoring.partitioned_tables as t
     where t.maintained_at is null or t.maintained_at < now() - interval '1 hour'
  ) then
    return 0;
  end if;
  if not pg_try_advisory_xact_lock(hashtextextended('pgvitals.maintain_partitions', 0)) then
    return 0;
  end if;
  for maintained_table in
    select t.table_name from monitoring.partitioned_tables as t
     where t.maintained_at is null or t.maintained_at < now() - interval '1 hour'
     order by t.table_name
  loop
    begin
      changes := changes + monitoring.maintain_table(maintained_table);
    exception when lock_not_available then
      -- The table is busy; partitions are made a week ahead, so the next run is early enough.
      raise warning 'table % is busy and maintained later', maintained_table;
    end;
  end loop;
  return changes + monitoring.remove_old_rows();
end
$function$;

revoke all on function monitoring.maintain_table(text) from public;
revoke all on function monitoring.remove_old_rows() from public;
revoke all on function monitoring.maintain_partitions() from public;

select monitoring.maintain_partitions();
