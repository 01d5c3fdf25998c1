-- Who may do what in the schema monitoring. Idempotent; run after every migration, as pgvitals_owner.

revoke all on schema monitoring from public;
revoke all on all tables in schema monitoring from public;
revoke all on all functions in schema monitoring from public;

grant usage on schema monitoring to pgvitals_collector, pgvitals_maintenance;

grant select, insert, update, delete on all tables in schema monitoring to pgvitals_collector;
grant select on all tables in schema monitoring to pgvitals_maintenance;
grant execute on function monitoring.maintain_partitions() to pgvitals_collector, pgvitals_maintenance;
grant execute on function monitoring.standard_deviation_ms(numeric, numeric, numeric)
  to pgvitals_collector, pgvitals_maintenance;

-- The journal of the migrations and the plan of the partitions decide over the schema itself: the collector reads them.
revoke insert, update, delete on monitoring.schema_migrations, monitoring.partitioned_tables from pgvitals_collector;
