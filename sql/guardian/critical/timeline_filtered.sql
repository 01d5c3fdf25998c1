-- name: timeline_filtered
-- threshold class: timeline
-- threshold ms: 100
-- role: patient
-- parameters: patient_id, kind, since
--
-- The newest twenty events of one kind since a day.
select t.timeline_event_id::text, t.occurred_at::timestamptz, t.kind::text, t.title::text, t.summary::text,
       t.importance::int8, t.document_id::text, t.clinical_event_id::text
  from guardian.timeline_events as t
 where t.patient_id = :patient_id::uuid and t.archived_at is null and t.kind = :kind::text
   and t.occurred_at >= :since::timestamptz
 order by t.occurred_at desc, t.timeline_event_id desc
 limit 20
