-- Bulk mode: a session that loads many rows leaves out what is done for each row (checking relationships, writing the
-- audit log, queueing a job for each document) and is checked and journaled as a whole at its end. Invalidation goes on,
-- as it is a row for each statement and patient: no dashboard is out of date after a load without anybody knowing.
--
-- The switch is a setting of the session, so a load needs a session of its own: with a pooler, one in session mode.

-- Whether the session is in bulk mode. A setting can be made by anybody, so it is heeded only for the application's own
-- back end.
create function guardian.in_bulk_mode()
  returns bool
  language sql
  stable
as $function$
  select coalesce(pg_catalog.current_setting('guardian.bulk_operation', true), '') <> ''
    and pg_catalog.pg_has_role(current_user, 'service_role', 'member')
$function$;

-- Adds to the number of rows that the session's bulk operation has changed. It is kept in the session: a row of the
-- journal that every statement updates would leave a dead row for each.
create function guardian.count_bulk_rows(changed int8)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $function$
begin
  if current_setting('guardian.bulk_operation', true) <> '' then
    perform set_config(
      'guardian.bulk_rows',
      (coalesce(nullif(current_setting('guardian.bulk_rows', true), ''), '0')::int8 + changed)::text,
      false
    );
  end if;
end
$function$;

-- The bulk operations whose session is still there.
create function guardian.open_bulk_operations()
  returns setof int8
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
  select o.bulk_operation_id
    from guardian.bulk_operations as o
    join pg_stat_activity as session on session.pid = o.backend_pid
   where o.finished_at is null
     -- The number of an ended session may be that of another one now. Null is what one may not see.
     and coalesce(session.backend_start = o.backend_start, true)
$function$;

-- Ends the bulk operations whose session is gone: their orphans are counted as at any end. Answers how many.
create function guardian.close_abandoned_bulk()
  returns int8
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
declare
  abandoned int8[];
begin
  select coalesce(array_agg(o.bulk_operation_id), '{}') into abandoned
    from guardian.bulk_operations as o
   where o.finished_at is null and o.bulk_operation_id not in (select guardian.open_bulk_operations());
  if abandoned = '{}' then
    return 0;
  end if;
  update guardian.bulk_operations as o
     set finished_at = clock_timestamp(), outcome = 'abandoned', orphans = (select count(*) from guardian.find_orphans())
   where o.bulk_operation_id = any (abandoned) and o.finished_at is null;
  perform guardian.queue_view_refresh('orphan_summary', 'a bulk operation was abandoned');
  return cardinality(abandoned);
end
$function$;

-- Puts the session into bulk mode and answers the number of the operation in the journal.
create function guardian.begin_bulk(reason text)
  returns int8
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
declare
  operation int8;
begin
  if current_setting('guardian.bulk_operation', true) <> '' then
    raise exception 'the session is in bulk mode already, for operation %', current_setting('guardian.bulk_operation')
      using errcode = 'object_in_use', hint = 'End it with guardian.end_bulk() first.';
  end if;
  perform guardian.close_abandoned_bulk();
  insert into guardian.bulk_operations (reason, backend_start)
  values (
    begin_bulk.reason, (select session.backend_start from pg_stat_activity as session where session.pid = pg_backend_pid())
  )
  returning bulk_operation_id into operation;
  perform set_config('guardian.bulk_operation', operation::text, false);
  perform set_config('guardian.bulk_rows', '0', false);
  return operation;
end
$function$;

-- Ends bulk mode: looks for orphans among all relationships, because what was removed may have left one anywhere, and
-- writes the journal. `of_operation` makes sure that it is this one that ends.
create function guardian.end_bulk(of_operation int8 default null)
  returns table (bulk_operation_id int8, rows_changed int8, orphans int8, elapsed_ms float8)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
declare
  operation int8 := nullif(current_setting('guardian.bulk_operation', true), '')::int8;
  journal record;
begin
  if operation is null or operation <> of_operation then
    raise exception 'the session is not in bulk mode%', coalesce(format(' for operation %s', of_operation), '')
      using errcode = 'object_not_in_prerequisite_state',
            hint = 'Bulk mode belongs to the session that called guardian.begin_bulk(); a pooler may have changed it.';
  end if;
  -- After a load the planner knows nothing of what came, and would look up each relationship by itself.
  if nullif(current_setting('guardian.bulk_rows', true), '')::int8 >= 1000 then
    analyze guardian.record_relationships;
  end if;
  update guardian.bulk_operations as o
     set finished_at = clock_timestamp(),
         outcome = 'finished',
         rows_changed = nullif(current_setting('guardian.bulk_rows', true), '')::int8,
         orphans = (select count(*) from guardian.find_orphans())
   where o.bulk_operation_id = operation
  returning o.* into journal;
  perform set_config('guardian.bulk_operation', '', false);
  perform set_config('guardian.bulk_rows', '', false);
  insert into guardian.audit_log (actor_id, action, table_name, details)
  values (
    guardian.current_user_id(), 'bulk', 'bulk_operations',
    jsonb_build_object('bulk_operation_id', operation, 'rows', journal.rows_changed, 'orphans', journal.orphans)
  );
  if journal.orphans > 0 then
    perform guardian.queue_view_refresh('orphan_summary', 'a bulk operation left orphans');
  end if;
  return query
    select operation, journal.rows_changed, journal.orphans,
           (1000 * extract(epoch from journal.finished_at - journal.started_at))::float8;
end
$function$;

-- What bulk operations did and how fast they were.
create view guardian.bulk_performance as
select o.bulk_operation_id, o.reason, o.started_at, o.finished_at, o.rows_changed, o.orphans,
       case
         when o.outcome is not null then o.outcome
         when o.bulk_operation_id in (select guardian.open_bulk_operations()) then 'running'
         else 'abandoned'
       end as outcome,
       extract(epoch from coalesce(o.finished_at, clock_timestamp()) - o.started_at)::float8 as seconds,
       o.rows_changed / nullif(extract(epoch from o.finished_at - o.started_at), 0)::float8 as rows_per_second,
       case
         when o.orphans > 0 then 'remove its orphans: select * from guardian.remove_orphans()'
         when o.outcome is null and o.started_at < now() - interval '1 hour' then
           'it has been running for more than an hour: orphans are not removed meanwhile'
       end as advice
  from guardian.bulk_operations as o;
