-- name: relationship_scan
-- threshold class: relationship
-- threshold ms: 500
-- role: patient
-- parameters: patient_id
--
-- The first thousand relationships between the records of a patient.
select r.record_relationship_id::int8, r.relationship_type::text, t.source_table::text, r.source_id::text,
       t.target_table::text, r.target_id::text
  from guardian.record_relationships as r
  join guardian.relationship_types as t using (relationship_type)
 where r.patient_id = :patient_id::uuid
 order by r.record_relationship_id
 limit 1000
