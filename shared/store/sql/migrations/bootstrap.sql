-- The journal in which the migrations are recorded. From here on everything is done as the owner of the schema.
set local role pgvitals_owner;
create table if not exists monitoring.schema_migrations (
  version int4 primary key,
  name text not null,
  checksum text not null,
  applied_at timestamptz not null default now()
);
