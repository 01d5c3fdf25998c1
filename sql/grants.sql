-- Who may do what in the schema monitoring. Idempotent; run after every migration, as pgvitals_owner.
--
-- Each login has what the statements of its functions need (shared/store/sql), and nothing else. Rows are dropped and rolled
-- up by functions that run as their owner. tests/tests/store/privileges.rs has the same as a table.

revoke all on schema monitoring from public;
revoke all on all tables in schema monitoring from public;
revoke all on all functions in schema monitoring from public;

-- What an earlier version granted, to the login of watched servers too.
do $revoke$
declare
  login text;
begin
  foreach login in array array[
    'pgvitals_writer', 'pgvitals_alerter', 'pgvitals_manager', 'pgvitals_viewer', 'pgvitals_operator', 'pgvitals_collector',
    'pgvitals_maintenance'
  ] loop
    execute pg_catalog.format('revoke all on schema monitoring from %I', login);
    execute pg_catalog.format('revoke all on all tables in schema monitoring from %I', login);
    execute pg_catalog.format('revoke all on all functions in schema monitoring from %I', login);
  end loop;
end
$revoke$;

grant usage on schema monitoring
  to pgvitals_writer, pgvitals_alerter, pgvitals_manager, pgvitals_viewer, pgvitals_operator, pgvitals_maintenance;

-- The journal of the functions. manage-alerts has none: it only answers. Each entry makes partitions ahead.
grant select, insert, update on monitoring.function_runs to pgvitals_writer, pgvitals_alerter, pgvitals_viewer;
grant execute on function monitoring.maintain_partitions() to pgvitals_writer, pgvitals_alerter, pgvitals_viewer;

-- What constraints, metrics and views are made of. They read and write nothing.
grant execute on function
  monitoring.standard_deviation_ms(numeric, numeric, numeric),
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
to pgvitals_writer, pgvitals_alerter, pgvitals_manager, pgvitals_viewer, pgvitals_operator;

-- collect-stats and run-maintenance. A target is locked while it is claimed, which takes the right to update some column:
-- its number is generated and cannot be set.
grant select on monitoring.targets, monitoring.collectors, monitoring.roll_up_progress to pgvitals_writer;
grant update (target_id) on monitoring.targets to pgvitals_writer;
grant select, insert, update on
  monitoring.target_state, monitoring.collector_status, monitoring.counter_snapshots, monitoring.exposed,
  monitoring.subjects, monitoring.statements
to pgvitals_writer;
grant insert on
  monitoring.samples, monitoring.subject_changes, monitoring.statement_samples, monitoring.activity_samples,
  monitoring.database_samples, monitoring.blocked_sessions
to pgvitals_writer;
grant execute on function
  monitoring.drop_old_partitions(),
  monitoring.remove_old_rows(),
  monitoring.remove_forgotten_subjects(),
  monitoring.remove_short_lived_samples(),
  monitoring.begin_roll_ups(),
  monitoring.roll_up(int4, text, text),
  monitoring.complete_until(int4, text, text)
to pgvitals_writer;

-- check-alerts, deliver-notifications and run-responses. Of a channel only how it is doing is written; one that is gone for
-- good is switched off.
grant select on
  monitoring.targets, monitoring.target_state, monitoring.collectors, monitoring.collector_status, monitoring.subjects,
  monitoring.samples, monitoring.samples_daily, monitoring.statements, monitoring.statement_samples,
  monitoring.activity_samples, monitoring.database_samples, monitoring.database_samples_daily,
  monitoring.blocked_sessions, monitoring.process_restarts, monitoring.schema_migrations, monitoring.metrics,
  monitoring.rules, monitoring.channels, monitoring.routes, monitoring.route_steps, monitoring.silences,
  monitoring.maintenance_windows
to pgvitals_alerter;
grant select, insert, update, delete on monitoring.alerts to pgvitals_alerter;
grant select, insert, update on monitoring.outbox, monitoring.alert_channels, monitoring.response_runs to pgvitals_alerter;
grant insert on monitoring.alert_transitions to pgvitals_alerter;
grant update (consecutive_failures, open_until, enabled, last_success_at, last_error, last_error_at)
  on monitoring.channels to pgvitals_alerter;

-- manage-alerts.
grant select on
  monitoring.targets, monitoring.alerts, monitoring.alert_transitions, monitoring.outbox, monitoring.channels,
  monitoring.metrics, monitoring.routes, monitoring.route_steps, monitoring.maintenance_windows
to pgvitals_manager;
grant select, insert, update, delete on monitoring.rules, monitoring.silences to pgvitals_manager;
grant update (acknowledged_at, acknowledged_by, acknowledged_level, acknowledged_note)
  on monitoring.alerts to pgvitals_manager;

-- health and export-metrics.
grant select on
  monitoring.targets, monitoring.target_state, monitoring.collectors, monitoring.collector_status,
  monitoring.counter_snapshots, monitoring.exposed, monitoring.subjects, monitoring.statements,
  monitoring.activity_samples, monitoring.alerts, monitoring.outbox, monitoring.schema_migrations
to pgvitals_viewer;

-- The command.
grant select on all tables in schema monitoring to pgvitals_operator;
grant insert, update, delete on
  monitoring.targets, monitoring.channels, monitoring.rules, monitoring.routes, monitoring.route_steps,
  monitoring.silences, monitoring.maintenance_windows
to pgvitals_operator;
grant update (watched_since) on monitoring.target_state to pgvitals_operator;
grant update (acknowledged_at, acknowledged_by, acknowledged_level, acknowledged_note)
  on monitoring.alerts to pgvitals_operator;
grant insert, update on monitoring.outbox to pgvitals_operator;
grant insert, delete on monitoring.process_restarts, monitoring.load_runs to pgvitals_operator;
grant insert on monitoring.load_run_requests to pgvitals_operator;
grant execute on function monitoring.retention_of(text) to pgvitals_operator;

-- run-responses calls these, and only these, as the login that acts on watched servers: nothing is read by it.
grant execute on function
  monitoring.drop_old_partitions(),
  monitoring.remove_old_rows(),
  monitoring.remove_forgotten_subjects(),
  monitoring.remove_short_lived_samples()
to pgvitals_maintenance;
