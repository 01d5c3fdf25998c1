-- The record of a patient. The indexes begin with the patient, because that is how a record is read and because the
-- policies of row-level security let nothing else be asked efficiently: a condition whose operator could leak a value
-- (`@@`, `@>`) is evaluated after the policy, and no index serves it.

create table guardian.clinical_events (
  clinical_event_id uuid primary key default gen_random_uuid(),
  patient_id uuid not null references guardian.patients (patient_id) on delete cascade,
  provider_id uuid references guardian.providers (provider_id) on delete set null,
  kind text not null,
  -- The name of the code system, such as ICD-10-CM, LOINC, SNOMED CT, RxNorm or CVX.
  code_system text not null,
  code text not null,
  display text not null,
  occurred_at timestamptz not null,
  details jsonb not null default '{}',
  created_at timestamptz not null default now(),
  constraint clinical_events_kind_is_known check (
    kind in ('encounter', 'diagnosis', 'observation', 'procedure', 'immunization', 'prescription')
  )
);

create index clinical_events_patient on guardian.clinical_events (patient_id, occurred_at);
create index clinical_events_provider on guardian.clinical_events (provider_id, occurred_at);

create table guardian.documents (
  document_id uuid primary key default gen_random_uuid(),
  patient_id uuid not null references guardian.patients (patient_id) on delete cascade,
  kind text not null,
  title text not null,
  body text not null default '',
  file_size_bytes int8 not null,
  status text not null default 'uploaded',
  uploaded_at timestamptz not null default now(),
  search tsvector not null generated always as (
    setweight(to_tsvector('english'::regconfig, title), 'A')
      || setweight(to_tsvector('english'::regconfig, body), 'B')
  ) stored,
  created_at timestamptz not null default now(),
  constraint documents_kind_is_known check (
    kind in (
      'laboratory_report', 'imaging_report', 'discharge_summary', 'referral', 'prescription', 'letter', 'consent',
      'insurance'
    )
  ),
  constraint documents_status_is_known check (status in ('uploaded', 'processing', 'processed', 'failed')),
  constraint documents_file_size_is_not_negative check (file_size_bytes >= 0)
);

create index documents_patient on guardian.documents (patient_id, uploaded_at);
create index documents_search on guardian.documents using gin (search);
create index documents_unfinished on guardian.documents (uploaded_at) where status in ('uploaded', 'processing');

create table guardian.timeline_events (
  timeline_event_id uuid primary key default gen_random_uuid(),
  patient_id uuid not null references guardian.patients (patient_id) on delete cascade,
  occurred_at timestamptz not null,
  kind text not null,
  title text not null,
  summary text,
  -- From 1, a note, to 5, what must not be overlooked.
  importance int4 not null default 2,
  details jsonb not null default '{}',
  document_id uuid references guardian.documents (document_id) on delete set null,
  clinical_event_id uuid references guardian.clinical_events (clinical_event_id) on delete set null,
  archived_at timestamptz,
  created_at timestamptz not null default now(),
  constraint timeline_events_kind_is_known check (
    kind in (
      'visit', 'laboratory', 'medication', 'condition', 'allergy', 'document', 'procedure', 'immunization',
      'measurement', 'message'
    )
  ),
  constraint timeline_events_importance_is_known check (importance between 1 and 5)
);

-- The order of the timeline, with the id that makes it total: a page begins where the one before it ended.
create index timeline_events_page on guardian.timeline_events (patient_id, occurred_at, timeline_event_id)
  where archived_at is null;
create index timeline_events_kind_page on guardian.timeline_events (patient_id, kind, occurred_at, timeline_event_id)
  where archived_at is null;
create index timeline_events_document on guardian.timeline_events (document_id) where document_id is not null;
create index timeline_events_clinical_event on guardian.timeline_events (clinical_event_id)
  where clinical_event_id is not null;

create table guardian.medications (
  medication_id uuid primary key default gen_random_uuid(),
  patient_id uuid not null references guardian.patients (patient_id) on delete cascade,
  -- Who prescribed it.
  provider_id uuid references guardian.providers (provider_id) on delete set null,
  code_system text not null,
  code text not null,
  display text not null,
  dose text not null,
  status text not null default 'active',
  started_at timestamptz not null,
  ended_at timestamptz,
  created_at timestamptz not null default now(),
  constraint medications_status_is_known check (status in ('active', 'completed', 'stopped')),
  constraint medications_end_after_they_begin check (ended_at >= started_at)
);

create index medications_patient on guardian.medications (patient_id, status);
create index medications_provider on guardian.medications (provider_id);

create table guardian.conditions (
  condition_id uuid primary key default gen_random_uuid(),
  patient_id uuid not null references guardian.patients (patient_id) on delete cascade,
  code_system text not null,
  code text not null,
  display text not null,
  severity text not null default 'moderate',
  status text not null default 'active',
  onset_at timestamptz not null,
  resolved_at timestamptz,
  created_at timestamptz not null default now(),
  constraint conditions_severity_is_known check (severity in ('mild', 'moderate', 'severe')),
  constraint conditions_status_is_known check (status in ('active', 'chronic', 'resolved')),
  constraint conditions_resolve_after_their_onset check (resolved_at >= onset_at)
);

create index conditions_patient on guardian.conditions (patient_id, status);

create table guardian.allergies (
  allergy_id uuid primary key default gen_random_uuid(),
  patient_id uuid not null references guardian.patients (patient_id) on delete cascade,
  substance text not null,
  reaction text not null,
  severity text not null,
  status text not null default 'active',
  noted_at timestamptz not null,
  created_at timestamptz not null default now(),
  constraint allergies_severity_is_known check (severity in ('mild', 'moderate', 'severe', 'life_threatening')),
  constraint allergies_status_is_known check (status in ('active', 'inactive'))
);

create index allergies_patient on guardian.allergies (patient_id, status);

create table guardian.lab_results (
  lab_result_id uuid primary key default gen_random_uuid(),
  patient_id uuid not null references guardian.patients (patient_id) on delete cascade,
  -- LOINC.
  code text not null,
  display text not null,
  value float8 not null,
  unit text not null,
  reference_low float8,
  reference_high float8,
  taken_at timestamptz not null,
  clinical_event_id uuid references guardian.clinical_events (clinical_event_id) on delete set null,
  created_at timestamptz not null default now(),
  constraint lab_results_reference_is_a_range check (reference_low <= reference_high)
);

create index lab_results_patient on guardian.lab_results (patient_id, code, taken_at);
create index lab_results_taken on guardian.lab_results (patient_id, taken_at);
create index lab_results_clinical_event on guardian.lab_results (clinical_event_id) where clinical_event_id is not null;

create table guardian.provider_interactions (
  provider_interaction_id uuid primary key default gen_random_uuid(),
  patient_id uuid not null references guardian.patients (patient_id) on delete cascade,
  provider_id uuid not null references guardian.providers (provider_id) on delete cascade,
  kind text not null,
  occurred_at timestamptz not null,
  minutes int4 not null,
  note text,
  created_at timestamptz not null default now(),
  constraint provider_interactions_kind_is_known check (kind in ('visit', 'call', 'message', 'review', 'prescription')),
  constraint provider_interactions_take_time check (minutes >= 0)
);

create index provider_interactions_patient on guardian.provider_interactions (patient_id, occurred_at);
create index provider_interactions_provider on guardian.provider_interactions (provider_id, occurred_at);
