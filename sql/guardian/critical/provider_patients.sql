-- name: provider_patients
-- threshold class: rls
-- threshold ms: 50
-- role: provider
-- parameters: provider_id
--
-- The patients that let a provider read their records, by name.
select p.patient_id::text, f.full_name::text, p.date_of_birth::text, p.city::text, g.level::text, g.expires_at::timestamptz
  from guardian.access_grants as g
  join guardian.patients as p using (patient_id)
  join guardian.profiles as f using (profile_id)
 where g.provider_id = :provider_id::uuid and g.revoked_at is null and (g.expires_at is null or g.expires_at > now())
 order by f.full_name, p.patient_id
 limit 50
