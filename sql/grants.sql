-- Who may do what in the schema monitoring. Idempotent; run after every migration, as pgvitals_owner.

revoke all on schema monitoring from public;
revoke all on all tables in schema monitoring from public;
revoke all on all functions in schema monitoring from public;

grant usage on schema monitoring to pgvitals_collector, pgvitals_maintenance;

grant select, insert, update, delete on all tables in schema monitoring to pgvitals_collector;
grant select on all tables in schema monitoring to pgvitals_maintenance;
grant execute on function monitoring.standard_deviation_ms(numeric, numeric, numeric)
  to pgvitals_collector, pgvitals_maintenance;
grant execute on function
  monitoring.maintain_partitions(),
  monitoring.drop_old_partitions(),
  monitoring.remove_old_rows(),
  monitoring.remove_forgotten_subjects(),
  monitoring.remove_short_lived_samples(),
  monitoring.begin_roll_ups(),
  monitoring.roll_up(int4, text, text),
  monitoring.complete_until(int4, text, text),
  monitoring.retention_of(text),
  monitoring.histogram_bucket(int8),
  monitoring.histogram_value(int4),
  monitoring.histogram_quantile(jsonb, float8),
  monitoring.label_fits(text, jsonb),
  monitoring.is_label_filter(jsonb),
  monitoring.is_object_of_texts(jsonb),
  monitoring.are_matchers(jsonb),
  monitoring.is_response(text, jsonb),
  monitoring.is_number_within(jsonb, int8, int8),
  monitoring.is_name(jsonb),
  monitoring.is_truth(jsonb)
to pgvitals_collector, pgvitals_maintenance;

-- The journal of the migrations, what is kept for how long, and what was rolled up of it decide over the schema itself:
-- the collector reads them.
revoke insert, update, delete on
  monitoring.schema_migrations, monitoring.metrics, monitoring.partitioned_tables, monitoring.retention, monitoring.roll_up_progress,
  monitoring.trimmed_samples
from pgvitals_collector;
