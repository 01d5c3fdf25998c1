-- name: job_complete
-- threshold class: job
-- threshold ms: 10000
-- role: owner
-- parameters: job_id, worker
--
-- Ends a job that the worker holds.
select guardian.complete_job(:job_id::int8, :worker::text)::bool as completed
