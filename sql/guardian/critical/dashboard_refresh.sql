-- name: dashboard_refresh
-- threshold class: cache
-- threshold ms: 200
-- role: owner
-- parameters: patient_id
--
-- Computes a patient's dashboard anew: five a second is what is expected of one session.
select guardian.refresh_dashboard(:patient_id::uuid)::bool as refreshed
