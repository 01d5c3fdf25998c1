-- Records a migration ($1 version, $2 name, $3 text) as applied.
insert into monitoring.schema_migrations (version, name, checksum)
values ($1::int4, $2, pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to($3, 'UTF8')), 'hex'))
