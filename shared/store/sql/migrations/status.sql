-- Whether the schema is there at all, before its journal is read.
select (pg_catalog.to_regclass('monitoring.schema_migrations') is not null)::bool as present
