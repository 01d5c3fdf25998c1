-- Debounced invalidation: a statement that changes records only notes whose dashboard is out of date, a row for each
-- patient however many rows it changes. guardian.process_invalidations computes what has gathered, once for each patient.

-- Notes the patients of the rows that a statement changed, once for a transaction: nobody sees what it does before its
-- end. Patients are taken in order, so that two statements that change the records of many do not wait for each other in a
-- circle.
create function guardian.enqueue_invalidations()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
declare
  cause text := tg_table_name || ' ' || lower(tg_op);
begin
  if tg_op = 'INSERT' then
    perform guardian.count_bulk_rows((select count(*) from new_rows));
    insert into guardian.invalidation_queue as queued (cache, key, reason)
    select distinct 'dashboard', patient_id, cause from new_rows order by patient_id
    on conflict (cache, key) do update set changed_by = excluded.changed_by where queued.changed_by <> excluded.changed_by;
  elsif tg_op = 'DELETE' then
    perform guardian.count_bulk_rows((select count(*) from old_rows));
    insert into guardian.invalidation_queue as queued (cache, key, reason)
    select distinct 'dashboard', patient_id, cause from old_rows order by patient_id
    on conflict (cache, key) do update set changed_by = excluded.changed_by where queued.changed_by <> excluded.changed_by;
  else
    perform guardian.count_bulk_rows((select count(*) from new_rows));
    insert into guardian.invalidation_queue as queued (cache, key, reason)
    select 'dashboard', patient_id, cause
      from (select patient_id from new_rows union select patient_id from old_rows) as changed
     order by patient_id
    on conflict (cache, key) do update set changed_by = excluded.changed_by where queued.changed_by <> excluded.changed_by;
  end if;
  return null;
end
$function$;

do $block$
declare
  record_table text;
begin
  foreach record_table in array array[
    'timeline_events', 'documents', 'medications', 'conditions', 'allergies', 'lab_results', 'provider_interactions',
    'record_relationships'
  ] loop
    -- A trigger with transition tables has one event.
    execute format(
      'create trigger invalidate_after_insert after insert on guardian.%1$I
         referencing new table as new_rows for each statement execute function guardian.enqueue_invalidations();
       create trigger invalidate_after_update after update on guardian.%1$I
         referencing old table as old_rows new table as new_rows
         for each statement execute function guardian.enqueue_invalidations();
       create trigger invalidate_after_delete after delete on guardian.%1$I
         referencing old table as old_rows for each statement execute function guardian.enqueue_invalidations()',
      record_table
    );
  end loop;
end
$block$;

-- Computes what the queue holds, the longest waiting first: at most `maximum_rows`, and no more after `budget_ms`. One
-- that fails is tried again later and holds up no other. Any number of sessions may run this at once, and nobody who
-- changes a record waits for it: the rows of the queue are locked at the very end, to be removed if nothing came since.
create function guardian.process_invalidations(maximum_rows int8 default 100, budget_ms int8 default 5000)
  returns table (refreshed int8, failed int8, waiting int8, elapsed_ms float8)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
declare
  began timestamptz := clock_timestamp();
  due record;
  message text;
  keys uuid[] := '{}';
  changes xid8[] := '{}';
  failed_keys uuid[] := '{}';
  messages text[] := '{}';
begin
  for due in
    select queued.key, queued.changed_by
      from guardian.invalidation_queue as queued
     where queued.cache = 'dashboard' and queued.retry_after <= clock_timestamp()
     order by queued.queued_at
     limit maximum_rows
  loop
    exit when clock_timestamp() > began + budget_ms * interval '1 millisecond';
    -- Not where another session computes it now.
    if pg_try_advisory_xact_lock(hashtext('guardian dashboard'), hashtext(due.key::text)) then
      begin
        perform guardian.refresh_dashboard(due.key);
        keys := keys || due.key;
        changes := changes || due.changed_by;
      exception when others then
        get stacked diagnostics message = message_text;
        failed_keys := failed_keys || due.key;
        messages := messages || message;
      end;
    end if;
  end loop;

  if cardinality(keys) > 0 then
    perform guardian.queue_view_refresh('data_quality', 'records changed');
    perform guardian.queue_view_refresh('provider_activity', 'records changed');
  end if;
  update guardian.invalidation_queue as queued
     set attempts = queued.attempts + 1,
         last_error = trouble.message,
         retry_after = clock_timestamp() + least(2.0 ^ least(queued.attempts, 20), 3600) * interval '1 second'
    from unnest(failed_keys, messages) as trouble (key, message)
   where queued.cache = 'dashboard' and queued.key = trouble.key;
  -- A change that came meanwhile is of another transaction, or holds the row still: the next round computes it.
  delete from guardian.invalidation_queue as queued
   where (queued.cache, queued.key) in (
     select unchanged.cache, unchanged.key
       from guardian.invalidation_queue as unchanged
       join unnest(keys, changes) as done (key, changed_by) using (key, changed_by)
      where unchanged.cache = 'dashboard'
      order by unchanged.key
      for update of unchanged skip locked
   );

  refreshed := cardinality(keys);
  failed := cardinality(failed_keys);
  select count(*) into waiting from guardian.invalidation_queue;
  elapsed_ms := 1000 * extract(epoch from clock_timestamp() - began);
  return next;
end
$function$;
