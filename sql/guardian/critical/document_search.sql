-- name: document_search
-- threshold class: search
-- threshold ms: 200
-- role: patient
-- parameters: patient_id, words
--
-- The documents of one patient that have the words. Under row-level security the index of the words does not serve it
-- (`@@` is not leakproof): it reads the documents of the patient, which are few.
select d.document_id::text, d.kind::text, d.title::text, d.uploaded_at::timestamptz,
       ts_rank(d.search, w.query)::float8 as rank
  from guardian.documents as d, websearch_to_tsquery('english', :words::text) as w (query)
 where d.patient_id = :patient_id::uuid and d.search @@ w.query
 order by rank desc, d.uploaded_at desc, d.document_id
 limit 20
