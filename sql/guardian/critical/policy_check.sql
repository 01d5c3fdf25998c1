-- name: policy_check
-- threshold class: rls
-- threshold ms: 50
-- role: provider
-- parameters: patient_id
--
-- Whether the user may see a patient at all: what a policy costs, and nothing else.
select exists (select 1 from guardian.patients as p where p.patient_id = :patient_id::uuid)::bool as visible
