-- The way of a document: uploaded by a request, which queues a job, processed stage by stage by a worker, and found.

create function guardian.queue_document()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
begin
  perform guardian.enqueue_job('process_document', jsonb_build_object('document_id', new.document_id));
  return null;
end
$function$;

create trigger documents_are_processed
  after insert on guardian.documents
  for each row when (new.status = 'uploaded' and not guardian.in_bulk_mode())
  execute function guardian.queue_document();

-- What a worker does with a document: its stages, its event on the timeline, its end. False where there is no such
-- document or it is processed already, so that a job that runs twice does no harm.
create function guardian.process_document(of_document uuid)
  returns bool
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
declare
  document record;
  stage_name text;
  began timestamptz;
begin
  update guardian.documents as d set status = 'processed'
   where d.document_id = of_document and d.status <> 'processed'
  returning d.patient_id, d.title, d.uploaded_at into document;
  if not found then
    return false;
  end if;
  foreach stage_name in array array['received', 'scanned', 'extracted', 'classified', 'indexed'] loop
    began := clock_timestamp();
    insert into guardian.document_stages (document_id, stage, started_at, ended_at, outcome)
    values (of_document, stage_name, began, clock_timestamp(), 'succeeded');
  end loop;
  insert into guardian.timeline_events (patient_id, occurred_at, kind, title, document_id)
  values (document.patient_id, document.uploaded_at, 'document', document.title, of_document);
  return true;
end
$function$;

-- The documents that have the words, among all that the user may read: the best first. `@@` is not leakproof, so that
-- under row-level security a query of the table itself cannot use the index of the words: it reads the documents of the
-- patient, or all. This function asks the index and then applies what the policy says.
create function guardian.search_documents(words text, of_patient uuid default null, maximum_rows int8 default 20)
  returns table (document_id uuid, patient_id uuid, kind text, title text, uploaded_at timestamptz, rank float8)
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
begin
  return query
    select d.document_id, d.patient_id, d.kind, d.title, d.uploaded_at, ts_rank(d.search, wanted.query)::float8
      from websearch_to_tsquery('english'::regconfig, words) as wanted (query)
      join guardian.documents as d on d.search @@ wanted.query
     where d.patient_id in (select guardian.readable_patients())
       and (of_patient is null or d.patient_id = of_patient)
     order by 6 desc, d.uploaded_at desc, d.document_id
     limit maximum_rows;
end
$function$;
