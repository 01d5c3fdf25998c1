-- The databases being watched, what is known of each, and how its collectors fare.
--
-- Every migration runs in one transaction, as the role pgvitals_owner, with the schema `monitoring` already there.
-- Migrations only go forward: one that was released is never edited, its checksum is recorded and compared.

create table monitoring.targets (
  target_id int4 generated always as identity primary key,
  name text not null unique,
  address text not null,
  secret text not null default 'default',
  enabled bool not null default true,
  labels jsonb not null default '{}',
  interval_seconds int4 not null default 15,
  timeout_ms int4 not null default 10000,
  created_at timestamptz not null default now(),
  constraint targets_name_is_plain check (name ~ '^[a-z0-9][a-z0-9_.-]{0,62}$'),
  constraint targets_address_is_a_url check (address ~ '^postgres(ql)?://[^[:space:]]+$'),
  -- A password in an address would be readable by everybody who may read the table: it belongs to the secret.
  constraint targets_address_has_no_password check (
    address !~ '^[a-z]+://[^/?#]*:[^/?#]*@' and address !~* '[?&]password='
  ),
  constraint targets_secret_is_a_name check (secret ~ '^[a-z0-9][a-z0-9_.-]{0,62}$'),
  constraint targets_labels_are_an_object check (jsonb_typeof(labels) = 'object'),
  constraint targets_interval_is_sensible check (interval_seconds between 1 and 86400),
  constraint targets_timeout_is_sensible check (timeout_ms between 100 and 600000)
);

comment on table monitoring.targets is 'The databases being watched. Rows are changed with SQL, the command or the API.';
comment on column monitoring.targets.address is 'postgres:// URL without a password';
comment on column monitoring.targets.secret is 'name of the password in the variable target_passwords';

create table monitoring.target_state (
  target_id int4 primary key references monitoring.targets on delete cascade,
  up bool,
  last_attempt_at timestamptz,
  last_success_at timestamptz,
  down_since timestamptz,
  watched_since timestamptz,
  outage_seconds float8,
  outage_noticed_at timestamptz,
  error_code text,
  error text,
  server_version int4,
  server_started_at timestamptz,
  in_recovery bool,
  lease_until timestamptz,
  lease_holder text,
  next_collection_at timestamptz,
  constraint target_state_down_has_a_beginning check (up is not false or down_since is not null),
  constraint target_state_lease_is_whole check ((lease_until is null) = (lease_holder is null))
);

comment on column monitoring.target_state.watched_since is 'when a stop that was planned ended: what was not seen before is no outage';
comment on column monitoring.target_state.outage_seconds is 'for how long the server was away, at least, when nobody could write that down because the monitoring database was away too';
comment on table monitoring.target_state is 'What the last collection found of a target, and who holds it now. Written by collect-stats only.';

create table monitoring.collector_status (
  target_id int4 not null references monitoring.targets on delete cascade,
  collector text not null,
  outcome text not null,
  reason text,
  rows int8 not null default 0,
  duration_ms float8 not null default 0,
  at timestamptz not null,
  last_success_at timestamptz,
  primary key (target_id, collector),
  constraint collector_status_outcome_is_known check (outcome in ('ok', 'no_data', 'skipped', 'failed')),
  constraint collector_status_trouble_has_a_reason check (outcome in ('ok', 'no_data') or reason is not null)
);

comment on table monitoring.collector_status is 'How the last run of each collector on each target went.';
