-- name: document_search_panel
-- threshold class: search
-- threshold ms: 200
-- role: provider
-- parameters: words
--
-- The documents of all patients of a provider that have the words, by the index of the words: guardian.search_documents
-- asks that first and then applies what the policy says.
select s.document_id::text, s.patient_id::text, s.kind::text, s.title::text, s.uploaded_at::timestamptz, s.rank::float8
  from guardian.search_documents(:words::text) as s
