-- Partitions made ahead and dropped in time, and rows removed that have had their day: what run-maintenance calls.

-- A name that no collector has would change nothing, and nobody would be told.
create function monitoring.check_retention()
  returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $function$
begin
  if new.collector <> '*' and not exists (select 1 from monitoring.collectors as c where c.collector = new.collector) then
    raise exception 'there is no collector %', quote_literal(new.collector)
      using errcode = 'foreign_key_violation', hint = 'select collector from monitoring.collectors lists them; * is for all others';
  end if;
  return new;
end
$function$;

create trigger retention_is_of_a_collector
  before insert or update of collector on monitoring.retention
  for each row execute function monitoring.check_retention();

-- Makes the partition that a time falls into, unless it is there, and answers how many were made. Bounds are days of UTC
-- counted from 1970, so that they do not depend on who calls.
create function monitoring.make_partition(of_table text, at timestamptz)
  returns int8
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $function$
declare
  step_days int4;
  starts_on date;
  partition_name text;
begin
  select extract(epoch from t.step)::int8 / 86400 into step_days
    from monitoring.partitioned_tables as t where t.table_name = of_table;
  if not found then
    raise exception 'table % is not registered in monitoring.partitioned_tables', of_table;
  end if;
  starts_on := date '1970-01-01' + ((at::date - date '1970-01-01') / step_days) * step_days;
  partition_name := of_table || '_p' || to_char(starts_on, 'YYYYMMDD');
  if to_regclass(format('monitoring.%I', partition_name)) is not null then
    return 0;
  end if;
  -- Whoever else makes it at this moment is waited for.
  perform pg_advisory_xact_lock(hashtextextended('pgvitals.maintain_partitions', 0));
  if to_regclass(format('monitoring.%I', partition_name)) is not null then
    return 0;
  end if;
  -- Made apart and attached: `create table … partition of` would lock out the writers of the parent.
  execute format(
    'create table monitoring.%I (like monitoring.%I including all excluding identity)', partition_name, of_table
  );
  execute format(
    'alter table monitoring.%I attach partition monitoring.%I for values from (%L) to (%L)',
    of_table, partition_name, starts_on::timestamptz, (starts_on + step_days)::timestamptz
  );
  return 1;
end
$function$;

-- Makes the partitions of one table from today to `ahead` steps on, and answers how many were made.
create or replace function monitoring.maintain_table(maintained_table text)
  returns int8
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '2s'
as $function$
declare
  made int8;
begin
  select sum(monitoring.make_partition(t.table_name, now() + number * t.step)) into made
    from monitoring.partitioned_tables as t
    cross join lateral generate_series(0, t.ahead) as number
   where t.table_name = maintained_table;
  if made is null then
    raise exception 'table % is not registered in monitoring.partitioned_tables', maintained_table;
  end if;
  update monitoring.partitioned_tables set maintained_at = now() where table_name = maintained_table;
  return made;
end
$function$;

-- Drops the partitions that have had their day, and answers how many. What is not rolled up yet is not dropped, however
-- old.
create function monitoring.drop_old_partitions()
  returns int8
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  -- While a drop waits for those who read, whoever comes later waits for the drop.
  set lock_timeout = '1s'
as $function$
declare
  plan record;
  partition_name text;
  dropped int8 := 0;
begin
  for plan in
    select t.table_name, t.step,
      least(now() - monitoring.longest_retention(t.table_name), monitoring.rolled_up_to(t.sample_table, t.resolution)) as kept_from
    from monitoring.partitioned_tables as t
    -- Without a retention nothing is dropped.
    where monitoring.longest_retention(t.table_name) is not null
    order by t.table_name
  loop
    begin
      for partition_name in
        select child.relname
          from pg_inherits as link
          join pg_class as child on child.oid = link.inhrelid
         where link.inhparent = to_regclass(format('monitoring.%I', plan.table_name))
           and child.relname ~ ('^' || plan.table_name || '_p[0-9]{8}$')
           and (to_date(right(child.relname, 8), 'YYYYMMDD') + plan.step)::timestamptz <= plan.kept_from
         order by child.relname
      loop
        execute format('drop table monitoring.%I', partition_name);
        dropped := dropped + 1;
      end loop;
    exception when lock_not_available then
      -- Somebody is reading it: the next round drops it.
      raise notice 'partition % is in use and kept for now', partition_name;
    end;
  end loop;
  return dropped;
end
$function$;

-- Makes the partitions of all tables. Called at the start of every run, so it returns at once when the last round is less
-- than an hour ago or another session is at it. Answers how many were made.
create or replace function monitoring.maintain_partitions()
  returns int8
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
declare
  maintained_table text;
  made int8 := 0;
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
      made := made + monitoring.maintain_table(maintained_table);
    exception when lock_not_available then
      -- The table is busy; partitions are made ahead, so the next run is early enough.
      raise warning 'table % is busy and maintained later', maintained_table;
    end;
  end loop;
  return made;
end
$function$;

-- Removes messages and alerts past their use, in bounded bites, and answers how many.
create or replace function monitoring.remove_old_rows()
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
  return removed + affected;
end
$function$;

-- Removes statements and subjects that are gone for longer than anything about them is kept, in bounded bites, and
-- answers how many.
create function monitoring.remove_forgotten_subjects()
  returns int8
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
declare
  bite constant int4 := 10000;
  removed int8;
  affected int8;
begin
  delete from monitoring.statements
   where statement_id in (
     select unseen.statement_id from monitoring.statements as unseen
      -- When a statement was last seen is written once a day.
      where unseen.last_seen < now() - interval '1 day' - (
        select greatest(r.raw, r.hourly, r.daily) from monitoring.retention_of('statements') as r
      )
      limit bite
   );
  get diagnostics removed = row_count;

  delete from monitoring.subjects
   where subject_id in (
     select gone.subject_id from monitoring.subjects as gone
      join monitoring.collectors as c on c.collector_id = gone.collector_id
      cross join lateral monitoring.retention_of(c.collector) as r
      where gone.gone_at < now() - greatest(r.raw, r.hourly, r.daily, monitoring.longest_retention('subject_changes'))
      limit bite
   );
  get diagnostics affected = row_count;
  return removed + affected;
end
$function$;

-- Removes a bite of the samples of collectors that are kept for a shorter time than the partition they lie in, and answers
-- how many; 0 when there are none left. Only what is rolled up is removed.
create function monitoring.remove_short_lived_samples()
  returns int8
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $function$
declare
  bite constant int4 := 10000;
  plan record;
  window_start timestamptz;
  window_end timestamptz;
  affected int8;
begin
  for plan in
    select t.table_name, c.collector_id,
      case t.resolution when 'raw' then 'sampled_at' else 'starts_at' end as time_column,
      -- As much as is looked through for one bite.
      case t.resolution when 'raw' then interval '1 hour' else t.step end as stride,
      least(now() - kept.kept, monitoring.rolled_up_to(t.sample_table, t.resolution)) as removed_to,
      (
        select min(to_date(right(child.relname, 8), 'YYYYMMDD'))::timestamptz
        from pg_inherits as link join pg_class as child on child.oid = link.inhrelid
        where link.inhparent = to_regclass(format('monitoring.%I', t.table_name))
      ) as begins_at
    from monitoring.partitioned_tables as t
    cross join monitoring.collectors as c
    cross join lateral (
      select case t.resolution when 'raw' then r.raw when 'hourly' then r.hourly else r.daily end as kept
      from monitoring.retention_of(c.collector) as r
    ) as kept
    where t.resolution is not null and t.collector is null
      and kept.kept < monitoring.longest_retention(t.table_name)
    order by t.table_name, c.collector_id
  loop
    loop
      select greatest(plan.begins_at, (
        select d.trimmed_to from monitoring.trimmed_samples as d
         where d.table_name = plan.table_name and d.collector_id = plan.collector_id
      )) into window_start;
      window_end := least(window_start + plan.stride, plan.removed_to);
      exit when (window_start < window_end) is not true;
      execute format(
        'delete from monitoring.%1$I where collector_id = $1 and %2$I >= $2 and %2$I < $3 and (tableoid, ctid) in (
           select s.tableoid, s.ctid from monitoring.%1$I as s
            where s.collector_id = $1 and s.%2$I >= $2 and s.%2$I < $3 limit $4)',
        plan.table_name, plan.time_column
      ) using plan.collector_id, window_start, window_end, bite;
      get diagnostics affected = row_count;
      if affected < bite then
        insert into monitoring.trimmed_samples as d (table_name, collector_id, trimmed_to)
        values (plan.table_name, plan.collector_id, window_end)
        on conflict (table_name, collector_id) do update set trimmed_to = greatest(d.trimmed_to, excluded.trimmed_to);
      end if;
      if affected > 0 then
        return affected;
      end if;
    end loop;
  end loop;
  return 0;
end
$function$;

-- Every table is looked at again now, for the partitions of the new ones.
update monitoring.partitioned_tables set maintained_at = null;
select monitoring.maintain_partitions();
