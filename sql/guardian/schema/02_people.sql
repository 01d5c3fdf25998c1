-- Who uses the application. `profile_id` is the user's id in the token of a request (`sub`), as Supabase's `auth.uid()`
-- has it.

create table guardian.profiles (
  profile_id uuid primary key default gen_random_uuid(),
  role text not null,
  full_name text not null,
  email text not null,
  created_at timestamptz not null default now(),
  constraint profiles_role_is_known check (role in ('patient', 'provider', 'admin')),
  constraint profiles_email_is_unique unique (email)
);

create table guardian.patients (
  patient_id uuid primary key default gen_random_uuid(),
  profile_id uuid not null references guardian.profiles (profile_id) on delete cascade,
  date_of_birth date not null,
  sex text not null,
  blood_type text,
  city text not null,
  deceased_at timestamptz,
  created_at timestamptz not null default now(),
  constraint patients_have_one_profile unique (profile_id),
  -- The codes of FHIR's administrative gender.
  constraint patients_sex_is_known check (sex in ('female', 'male', 'other', 'unknown')),
  constraint patients_blood_type_is_known check (
    blood_type in ('A+', 'A-', 'B+', 'B-', 'AB+', 'AB-', 'O+', 'O-')
  )
);

create table guardian.providers (
  provider_id uuid primary key default gen_random_uuid(),
  profile_id uuid not null references guardian.profiles (profile_id) on delete cascade,
  registry_number text not null,
  specialty text not null,
  organisation text not null,
  created_at timestamptz not null default now(),
  constraint providers_have_one_profile unique (profile_id),
  constraint providers_registry_number_is_unique unique (registry_number)
);

-- Which providers a patient lets read, or write, the record. A grant that has run out is renewed by its date; one that
-- is over is revoked, and another may be given then.
create table guardian.access_grants (
  access_grant_id uuid primary key default gen_random_uuid(),
  patient_id uuid not null references guardian.patients (patient_id) on delete cascade,
  provider_id uuid not null references guardian.providers (provider_id) on delete cascade,
  level text not null default 'read',
  granted_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null default now(),
  constraint access_grants_level_is_known check (level in ('read', 'write')),
  constraint access_grants_expire_after_they_begin check (expires_at > granted_at),
  constraint access_grants_are_revoked_after_they_begin check (revoked_at >= granted_at)
);

-- What every policy asks: the patients of a provider. It carries what is asked for, so that the table is not visited.
create unique index access_grants_open on guardian.access_grants (provider_id, patient_id)
  include (level, expires_at) where revoked_at is null;
create index access_grants_patient on guardian.access_grants (patient_id);
