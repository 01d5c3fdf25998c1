-- name: timeline_deep_page
-- threshold class: timeline
-- threshold ms: 100
-- role: patient
-- parameters: patient_id, before_at, before_id
--
-- The twenty events before the last one of the page before: found by the index, however deep it is. With an offset the
-- events of all pages before would be read.
select t.timeline_event_id::text, t.occurred_at::timestamptz, t.kind::text, t.title::text, t.summary::text,
       t.importance::int8, t.document_id::text, t.clinical_event_id::text
  from guardian.timeline_events as t
 where t.patient_id = :patient_id::uuid and t.archived_at is null
   and (t.occurred_at, t.timeline_event_id) < (:before_at::timestamptz, :before_id::uuid)
 order by t.occurred_at desc, t.timeline_event_id desc
 limit 20
