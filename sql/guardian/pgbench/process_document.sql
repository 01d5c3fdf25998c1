-- name: process_document
-- threshold class: job
-- threshold ms: 10000
-- role: owner
-- parameters:
--
-- A worker: takes the next document and processes it. Where there is none it looks again after a while.
select coalesce(max(job_id), 0)::int8 as job_id, coalesce(max(payload ->> 'document_id'), '')::text as document_id
  from guardian.claim_job(concat('load ', :client_id::text), array['process_document']) \gset
\if :job_id = 0
\sleep 20 ms
\else
begin;
select guardian.process_document(:document_id::uuid)::bool as processed;
select guardian.complete_job(:job_id::int8, concat('load ', :client_id::text))::bool as completed;
commit;
\endif
