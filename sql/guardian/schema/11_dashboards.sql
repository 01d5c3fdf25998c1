-- What a patient's dashboard shows, and how it is computed anew.

create function guardian.dashboard_content(of_patient uuid)
  returns jsonb
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
  select jsonb_build_object(
    'medications', (
      select coalesce(jsonb_object_agg(m.status, m.number), '{}')
        from (
          select status, count(*) as number from guardian.medications where patient_id = of_patient group by status
        ) as m
    ),
    'conditions', (
      select coalesce(jsonb_object_agg(c.status, c.number), '{}')
        from (
          select status, count(*) as number from guardian.conditions where patient_id = of_patient group by status
        ) as c
    ),
    'allergies', (
      select jsonb_build_object(
        'active', count(*), 'critical', count(*) filter (where severity in ('severe', 'life_threatening'))
      )
        from guardian.allergies where patient_id = of_patient and status = 'active'
    ),
    'lab_results', (
      select jsonb_build_object(
        'recent', count(*),
        'out_of_range', count(*) filter (where value < reference_low or value > reference_high),
        'last_taken_at', max(taken_at)
      )
        from guardian.lab_results where patient_id = of_patient and taken_at > now() - interval '90 days'
    ),
    'documents', (
      select jsonb_build_object(
        'all', count(*), 'unfinished', count(*) filter (where status in ('uploaded', 'processing')),
        'last_uploaded_at', max(uploaded_at)
      )
        from guardian.documents where patient_id = of_patient
    ),
    'timeline', (
      select jsonb_build_object('events', count(*), 'important', count(*) filter (where importance >= 4),
        'last_occurred_at', max(occurred_at))
        from guardian.timeline_events where patient_id = of_patient and archived_at is null
    ),
    'visits', (
      select jsonb_build_object('last_occurred_at', max(occurred_at))
        from guardian.provider_interactions where patient_id = of_patient and kind = 'visit'
    ),
    'relationships', (select count(*) from guardian.record_relationships where patient_id = of_patient)
  )
$function$;

-- Computes a patient's dashboard anew and keeps it. False where there is no such patient (any more).
create function guardian.refresh_dashboard(of_patient uuid)
  returns bool
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
declare
  began timestamptz := clock_timestamp();
  content jsonb;
begin
  -- One at a time for each patient: else what was read earlier could be written later.
  perform pg_advisory_xact_lock(hashtext('guardian dashboard'), hashtext(of_patient::text));
  perform 1 from guardian.patients as p where p.patient_id = of_patient;
  if not found then
    return false;
  end if;
  content := guardian.dashboard_content(of_patient);
  insert into guardian.dashboard_cache as cached (patient_id, content, refreshed_at, refresh_ms)
  values (of_patient, content, clock_timestamp(), 1000 * extract(epoch from clock_timestamp() - began))
  on conflict (patient_id) do update
    set content = excluded.content, refreshed_at = excluded.refreshed_at, refresh_ms = excluded.refresh_ms,
        refreshes = cached.refreshes + 1;
  return true;
end
$function$;
