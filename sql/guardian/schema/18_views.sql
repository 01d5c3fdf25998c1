-- What is computed over all records: materialised views, and the queue of those that must be computed anew. No request
-- writes to that queue, so that requests never wait for each other there: what processes invalidations does.

create materialized view guardian.provider_activity as
select i.provider_id, date_trunc('month', i.occurred_at, 'UTC') as month, count(*) as interactions,
       count(distinct i.patient_id) as patients, sum(i.minutes) as minutes
  from guardian.provider_interactions as i
 group by i.provider_id, date_trunc('month', i.occurred_at, 'UTC');

create unique index provider_activity_key on guardian.provider_activity (provider_id, month);

create materialized view guardian.data_quality as
select 'timeline_events' as table_name, count(*) as records,
       count(*) filter (where occurred_at > now()) as in_the_future,
       count(*) filter (where title = '') as without_text, max(created_at) as last_created_at
  from guardian.timeline_events
union all
select 'documents', count(*), count(*) filter (where uploaded_at > now()), count(*) filter (where body = ''),
       max(created_at)
  from guardian.documents
union all
select 'clinical_events', count(*), count(*) filter (where occurred_at > now()),
       count(*) filter (where display = ''), max(created_at)
  from guardian.clinical_events
union all
select 'medications', count(*), count(*) filter (where started_at > now()), count(*) filter (where display = ''),
       max(created_at)
  from guardian.medications
union all
select 'conditions', count(*), count(*) filter (where onset_at > now()), count(*) filter (where display = ''),
       max(created_at)
  from guardian.conditions
union all
select 'lab_results', count(*), count(*) filter (where taken_at > now()), count(*) filter (where display = ''),
       max(created_at)
  from guardian.lab_results;

create unique index data_quality_key on guardian.data_quality (table_name);

create materialized view guardian.orphan_summary as
select o.relationship_type, o.source_table, o.target_table, o.missing, count(*) as orphans,
       min(o.created_at) as oldest_created_at, max(o.created_at) as newest_created_at,
       count(*) filter (where o.created_at < now() - interval '30 days') as older_than_30_days
  from guardian.find_orphans() as o
 group by o.relationship_type, o.source_table, o.target_table, o.missing;

create unique index orphan_summary_key on guardian.orphan_summary (relationship_type, missing);

-- Notes that a materialised view is out of date.
create function guardian.queue_view_refresh(of_view text, reason text)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
begin
  if not exists (select 1 from pg_matviews as v where v.schemaname = 'guardian' and v.matviewname = of_view) then
    raise exception 'there is no materialised view guardian.%', of_view using errcode = 'undefined_table';
  end if;
  insert into guardian.view_refresh_queue as queued (view_name, reason)
  values (of_view, queue_view_refresh.reason)
  on conflict (view_name) do update set generation = queued.generation + 1;
end
$function$;

-- Refreshes the views of the queue, the longest waiting first; readers of a view do not wait. A view that fails stays in
-- the queue and holds up no other.
create function guardian.process_view_refreshes(maximum_rows int8 default 10)
  returns table (view_name text, refreshed bool, elapsed_ms float8, error text)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
declare
  due guardian.view_refresh_queue;
  began timestamptz;
begin
  for due in
    select queued.* from guardian.view_refresh_queue as queued
     order by queued.attempts, queued.queued_at
     limit maximum_rows
  loop
    continue when not pg_try_advisory_xact_lock(hashtext('guardian view'), hashtext(due.view_name));
    began := clock_timestamp();
    view_name := due.view_name;
    error := null;
    begin
      execute format('refresh materialized view concurrently guardian.%I', due.view_name);
    exception when others then
      get stacked diagnostics error = message_text;
    end;
    refreshed := error is null;
    elapsed_ms := 1000 * extract(epoch from clock_timestamp() - began);
    if refreshed then
      -- What was noted meanwhile has another generation, and is refreshed the next time.
      delete from guardian.view_refresh_queue as queued
       where queued.view_name = due.view_name and queued.generation = due.generation;
    else
      update guardian.view_refresh_queue as queued
         set attempts = queued.attempts + 1, last_error = error
       where queued.view_name = due.view_name;
    end if;
    return next;
  end loop;
end
$function$;
