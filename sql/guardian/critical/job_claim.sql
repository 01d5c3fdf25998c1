-- name: job_claim
-- threshold class: job
-- threshold ms: 10000
-- role: owner
-- parameters: worker
--
-- The next job of the queue for a worker; no row where there is none. From a job's creation to its end is what the
-- threshold is about: claiming and completing are a small part of it.
select c.job_id::int8, c.kind::text, c.payload::jsonb, c.attempts::int8
  from guardian.claim_job(:worker::text) as c
