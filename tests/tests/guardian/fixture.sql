-- People and records for the tests of the reference workload, by name: made.id('x') is always the same.

create schema made;

create function made.id(name text) returns uuid language sql immutable as $$ select md5(name)::uuid $$;

create function made.patient(name text) returns uuid language sql as $$
  insert into guardian.profiles (profile_id, role, full_name, email)
  values (made.id(name), 'patient', initcap(name), name || '@example.org');
  insert into guardian.patients (patient_id, profile_id, date_of_birth, sex, city)
  values (made.id('patient ' || name), made.id(name), '1970-01-01', 'unknown', 'Ghent')
  returning patient_id
$$;

create function made.provider(name text) returns uuid language sql as $$
  insert into guardian.profiles (profile_id, role, full_name, email)
  values (made.id(name), 'provider', initcap(name), name || '@example.org');
  insert into guardian.providers (provider_id, profile_id, registry_number, specialty, organisation)
  values (made.id('provider ' || name), made.id(name), 'R-' || name, 'general practice', 'Practice of ' || name)
  returning provider_id
$$;

-- A grant of a level: `span` is how long it holds from two days ago on.
create function made.access(patient text, provider text, level text, span interval default null, revoked bool default false)
  returns void language sql as $$
  insert into guardian.access_grants (patient_id, provider_id, level, granted_at, expires_at, revoked_at)
  values (
    made.id('patient ' || patient), made.id('provider ' || provider), level, now() - interval '2 days',
    now() - interval '2 days' + span, case when revoked then now() end
  )
$$;

-- One row in each table that a relationship may join, of the patient of that name or of another; their ids are
-- made.id('TABLE NAME').
create function made.records(name text, patient text default null) returns void language sql as $$
  insert into guardian.clinical_events (clinical_event_id, patient_id, kind, code_system, code, display, occurred_at)
  values (made.id('clinical_events ' || name), made.id('patient ' || coalesce(patient, name)), 'encounter', 'SNOMED CT', '185349003', 'check up', now());
  insert into guardian.documents (document_id, patient_id, kind, title, body, file_size_bytes, status)
  values (made.id('documents ' || name), made.id('patient ' || coalesce(patient, name)), 'letter', 'Letter', 'fever and cough', 2000, 'processed');
  insert into guardian.timeline_events (timeline_event_id, patient_id, occurred_at, kind, title)
  values (made.id('timeline_events ' || name), made.id('patient ' || coalesce(patient, name)), now(), 'visit', 'Visit');
  insert into guardian.medications (medication_id, patient_id, code_system, code, display, dose, started_at)
  values (made.id('medications ' || name), made.id('patient ' || coalesce(patient, name)), 'RxNorm', '860975', 'metformin', '500 mg', now());
  insert into guardian.conditions (condition_id, patient_id, code_system, code, display, onset_at)
  values (made.id('conditions ' || name), made.id('patient ' || coalesce(patient, name)), 'ICD-10-CM', 'E11', 'type 2 diabetes', now());
  insert into guardian.allergies (allergy_id, patient_id, substance, reaction, severity, noted_at)
  values (made.id('allergies ' || name), made.id('patient ' || coalesce(patient, name)), 'penicillin', 'rash', 'severe', now());
  insert into guardian.lab_results (lab_result_id, patient_id, code, display, value, unit, reference_low, reference_high, taken_at)
  values (made.id('lab_results ' || name), made.id('patient ' || coalesce(patient, name)), '4548-4', 'HbA1c', 8.1, '%', 4, 6, now());
$$;

-- Events on a timeline, one a minute back from now on, two at each moment so that only the id tells them apart.
create function made.timeline(name text, number int8) returns void language sql as $$
  insert into guardian.timeline_events (timeline_event_id, patient_id, occurred_at, kind, title, importance)
  select made.id('event ' || name || n), made.id('patient ' || name), now() - n / 2 * interval '1 minute',
         case n % 3 when 0 then 'visit' when 1 then 'laboratory' else 'message' end, 'event ' || n, n % 5 + 1
    from generate_series(1, number) as n
$$;
