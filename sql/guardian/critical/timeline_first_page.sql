-- name: timeline_first_page
-- threshold class: timeline
-- threshold ms: 100
-- role: patient
-- parameters: patient_id
--
-- The newest twenty events of a patient.
select t.timeline_event_id::text, t.occurred_at::timestamptz, t.kind::text, t.title::text, t.summary::text,
       t.importance::int8, t.document_id::text, t.clinical_event_id::text
  from guardian.timeline_events as t
 where t.patient_id = :patient_id::uuid and t.archived_at is null
 order by t.occurred_at desc, t.timeline_event_id desc
 limit 20
