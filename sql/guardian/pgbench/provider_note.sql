-- name: provider_note
-- threshold class: single_entity
-- threshold ms: 100
-- role: provider
-- parameters: patient_id, provider_id
--
-- A provider notes a call with a patient.
insert into guardian.provider_interactions (patient_id, provider_id, kind, occurred_at, minutes, note)
values (:patient_id::uuid, :provider_id::uuid, 'call', now(), 5, 'call of a load test');
