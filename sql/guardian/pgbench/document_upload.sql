-- name: document_upload
-- threshold class: single_entity
-- threshold ms: 100
-- role: patient
-- parameters: patient_id
--
-- A patient uploads a document of one to eight pages. A trigger queues its processing.
\set lines random(20, 200)
insert into guardian.documents (patient_id, kind, title, body, file_size_bytes)
values (
  :patient_id::uuid, 'letter', 'Letter of a load test',
  repeat('The patient was seen for follow-up; laboratory results and medication were reviewed. ', :lines::int4),
  :lines::int8 * 2048
);
