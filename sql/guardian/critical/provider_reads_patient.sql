-- name: provider_reads_patient
-- threshold class: rls
-- threshold ms: 50
-- role: provider
-- parameters: patient_id
--
-- What a provider sees first of a patient: six tables, each under its policy.
select p.patient_id::text, p.date_of_birth::text, p.sex::text, p.blood_type::text,
       (
         select coalesce(jsonb_agg(jsonb_build_object('display', m.display, 'dose', m.dose) order by m.display), '[]')
           from guardian.medications as m where m.patient_id = p.patient_id and m.status = 'active'
       )::jsonb as medications,
       (
         select coalesce(jsonb_agg(jsonb_build_object('display', c.display, 'severity', c.severity) order by c.display), '[]')
           from guardian.conditions as c where c.patient_id = p.patient_id and c.status in ('active', 'chronic')
       )::jsonb as conditions,
       (
         select coalesce(jsonb_agg(jsonb_build_object('substance', a.substance, 'severity', a.severity) order by a.substance), '[]')
           from guardian.allergies as a where a.patient_id = p.patient_id and a.status = 'active'
       )::jsonb as allergies,
       (
         select coalesce(jsonb_agg(jsonb_build_object('display', l.display, 'value', l.value, 'unit', l.unit)), '[]')
           from (
             select r.display, r.value, r.unit
               from guardian.lab_results as r where r.patient_id = p.patient_id order by r.taken_at desc limit 20
           ) as l
       )::jsonb as lab_results,
       (
         select max(e.occurred_at) from guardian.clinical_events as e where e.patient_id = p.patient_id
       )::timestamptz as last_event_at
  from guardian.patients as p
 where p.patient_id = :patient_id::uuid
