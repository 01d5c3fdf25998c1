-- The schema, and the journal in which the migrations are recorded. From here on everything is done as its owner.
create schema if not exists monitoring authorization pgvitals_owner;
set local role pgvitals_owner;
create table if not exists monitoring.schema_migrations (
  version int4 primary key,
  name text not null,
  checksum text not null,
  applied_at timestamptz not null default now()
);
