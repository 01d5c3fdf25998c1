-- name: dashboard_read
-- threshold class: cache
-- threshold ms: 100
-- role: patient
-- parameters: patient_id
--
-- A patient's dashboard, computed before.
select d.content::jsonb, d.refreshed_at::timestamptz
  from guardian.dashboard_cache as d
 where d.patient_id = :patient_id::uuid
