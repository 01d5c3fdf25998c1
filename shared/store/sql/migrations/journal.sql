-- What was applied, and what each migration in the code ($1 names, $2 texts) has for a checksum now.
select
  coalesce(applied.version, code.version)::int8 as version,
  coalesce(applied.name, code.name)::text as name,
  (applied.version is not null)::bool as applied,
  (code.version is not null)::bool as known,
  coalesce(applied.checksum = code.checksum, true)::bool as unchanged
from (
  select
    part.position as version,
    part.name,
    pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(part.script, 'UTF8')), 'hex') as checksum
  from unnest($1::text[], $2::text[]) with ordinality as part (name, script, position)
) as code
full join monitoring.schema_migrations as applied on applied.version = code.version
order by 1
