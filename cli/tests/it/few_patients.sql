-- A few patients and providers, quickly made: enough for every request of a load to have somebody to ask for.
insert into guardian.profiles (profile_id, role, full_name, email)
select md5('profile ' || n)::uuid, case when n <= 20 then 'provider' else 'patient' end, 'Person ' || n, n || '@example.com'
  from generate_series(1, 60) as n;
insert into guardian.providers (provider_id, profile_id, registry_number, specialty, organisation)
select md5('provider ' || n)::uuid, md5('profile ' || n)::uuid, 'R' || n, 'cardiology', 'Clinic'
  from generate_series(1, 20) as n;
insert into guardian.patients (patient_id, profile_id, date_of_birth, sex, city)
select md5('patient ' || n)::uuid, md5('profile ' || n)::uuid, date '1980-01-01' + n::int4, 'female', 'Springfield'
  from generate_series(21, 60) as n;
insert into guardian.access_grants (patient_id, provider_id, level, granted_at)
select md5('patient ' || n)::uuid, md5('provider ' || m)::uuid, 'write', timestamptz '2026-01-01'
  from generate_series(21, 60) as n cross join generate_series(1, 20) as m
 where (n + m) % 4 = 0;
insert into guardian.documents (patient_id, kind, title, body, file_size_bytes)
select md5('patient ' || n)::uuid, 'letter', 'Laboratory report ' || m, repeat('blood count is normal ', 20), 1000
  from generate_series(21, 60) as n cross join generate_series(1, 5) as m;
insert into guardian.timeline_events (patient_id, occurred_at, kind, title)
select md5('patient ' || n)::uuid, timestamptz '2026-01-01' + m * interval '7 hours',
       (array['laboratory', 'medication', 'visit', 'document', 'measurement'])[1 + m % 5], 'Event ' || m
  from generate_series(21, 60) as n cross join generate_series(1, 200) as m
 where m <= 10 * (61 - n);
insert into guardian.medications (patient_id, code_system, code, display, dose, started_at)
select md5('patient ' || n)::uuid, 'RxNorm', '1', 'Aspirin', '100 mg', timestamptz '2026-01-01'
  from generate_series(21, 60) as n;
analyze;
