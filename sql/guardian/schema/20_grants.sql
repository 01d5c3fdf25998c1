-- Who may use what. Nothing here is for everybody: functions that run with the owner's rights least of all.

revoke all on all functions in schema guardian from public;
revoke all on all tables in schema guardian from public;

grant usage on schema guardian to authenticated, service_role;

grant select on
  guardian.profiles, guardian.patients, guardian.providers, guardian.access_grants, guardian.timeline_events,
  guardian.documents, guardian.document_stages, guardian.clinical_events, guardian.medications, guardian.conditions,
  guardian.allergies, guardian.lab_results, guardian.provider_interactions, guardian.record_relationships,
  guardian.relationship_types, guardian.dashboard_cache, guardian.audit_log
  to authenticated;
grant insert, update on
  guardian.timeline_events, guardian.documents, guardian.clinical_events, guardian.medications, guardian.conditions,
  guardian.allergies, guardian.lab_results, guardian.provider_interactions, guardian.record_relationships,
  guardian.access_grants
  to authenticated;
-- A user changes the own name and address, not the own role.
grant update (full_name, email) on guardian.profiles to authenticated;
grant update (specialty, organisation) on guardian.providers to authenticated;
grant execute on function
  guardian.current_user_id(), guardian.own_patient_id(), guardian.own_provider_id(), guardian.is_administrator(),
  guardian.readable_patients(), guardian.writable_patients(), guardian.in_bulk_mode(),
  guardian.search_documents(text, uuid, int8)
  to authenticated;

grant select, insert, update, delete on all tables in schema guardian to service_role;
grant usage, select on all sequences in schema guardian to service_role;
grant execute on all functions in schema guardian to service_role;

-- Partitions are reached through their tables, where the policies are.
do $block$
declare
  partition_name text;
begin
  for partition_name in
    select relname from pg_catalog.pg_class
     where relnamespace = 'guardian'::pg_catalog.regnamespace and relispartition and relkind = 'r'
  loop
    execute format('revoke all on guardian.%I from service_role', partition_name);
  end loop;
end
$block$;
