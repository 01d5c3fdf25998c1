-- Row-level security as a Supabase application has it: `authenticated` sees what its token allows, `service_role` is the
-- application's own back end, `anon` sees nothing. Tables without a policy for `authenticated` are closed to it.

do $block$
declare
  secured_table text;
begin
  for secured_table in
    select relname from pg_catalog.pg_class
     where relnamespace = 'guardian'::pg_catalog.regnamespace and relkind in ('r', 'p') and not relispartition
  loop
    execute format('alter table guardian.%I enable row level security', secured_table);
    -- On Supabase the role bypasses row-level security; elsewhere making such a role takes a superuser.
    execute format(
      'create policy service on guardian.%I to service_role using (true) with check (true)', secured_table
    );
  end loop;

  -- The record of a patient is read by all who may read it. `in (select …)` becomes a hashed list, made once.
  foreach secured_table in array array[
    'timeline_events', 'documents', 'clinical_events', 'medications', 'conditions', 'allergies', 'lab_results',
    'provider_interactions', 'record_relationships', 'dashboard_cache', 'patients'
  ] loop
    execute format(
      'create policy reading on guardian.%I for select to authenticated
         using (patient_id in (select guardian.readable_patients()))',
      secured_table
    );
  end loop;

  -- It is added to and changed by the patient and by providers who may write it. Nobody deletes from it.
  foreach secured_table in array array[
    'timeline_events', 'documents', 'clinical_events', 'medications', 'conditions', 'allergies', 'lab_results',
    'provider_interactions', 'record_relationships'
  ] loop
    execute format(
      'create policy adding on guardian.%I for insert to authenticated
         with check (patient_id in (select guardian.writable_patients()))',
      secured_table
    );
    execute format(
      'create policy changing on guardian.%I for update to authenticated
         using (patient_id in (select guardian.writable_patients()))
         with check (patient_id in (select guardian.writable_patients()))',
      secured_table
    );
  end loop;
end
$block$;

-- The stages of a document are seen by who sees the document. Written as a list that is made once by an index: `exists`
-- with the document of the row would be asked again for each row.
create policy reading on guardian.document_stages for select to authenticated
  using (
    document_id in (
      select d.document_id from guardian.documents as d where d.patient_id in (select guardian.readable_patients())
    )
  );

-- People: oneself, the providers, and the patients whose records one may read. What an administrator may do is part of
-- the same policy: of several that apply, each is evaluated.
create policy reading on guardian.profiles for select to authenticated
  using (
    role = 'provider' or profile_id = (select guardian.current_user_id()) or (select guardian.is_administrator())
    or profile_id in (
      select p.profile_id from guardian.patients as p where p.patient_id in (select guardian.readable_patients())
    )
  );
create policy changing on guardian.profiles for update to authenticated
  using (profile_id = (select guardian.current_user_id()))
  with check (profile_id = (select guardian.current_user_id()));

create policy reading on guardian.providers for select to authenticated using (true);
create policy administering on guardian.providers for update to authenticated
  using ((select guardian.is_administrator())) with check ((select guardian.is_administrator()));

-- A grant is seen by both sides, and given, renewed and revoked by the patient alone.
create policy reading on guardian.access_grants for select to authenticated
  using (
    patient_id = (select guardian.own_patient_id()) or provider_id = (select guardian.own_provider_id())
    or (select guardian.is_administrator())
  );
create policy adding on guardian.access_grants for insert to authenticated
  with check (patient_id = (select guardian.own_patient_id()));
create policy changing on guardian.access_grants for update to authenticated
  using (patient_id = (select guardian.own_patient_id()))
  with check (patient_id = (select guardian.own_patient_id()));

create policy reading on guardian.relationship_types for select to authenticated using (true);
create policy reading on guardian.audit_log for select to authenticated using ((select guardian.is_administrator()));
