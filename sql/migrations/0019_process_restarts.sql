-- Processes of pgvitals that ended by themselves and were started again by `pgvitals up`.
--
-- A row a restart. Whoever records one removes those that are 90 days old.

create table monitoring.process_restarts (
  process_restart_id int8 generated always as identity primary key,
  recorded_at timestamptz not null default now(),
  ended_at timestamptz not null,
  process text not null,
  reason text not null,
  constraint process_restarts_process_is_known check (process in ('application', 'database'))
);

create index process_restarts_ended on monitoring.process_restarts (ended_at);

comment on table monitoring.process_restarts is
  'Ends of the runner (application) or of the default PostgreSQL (database) that nobody asked for; `pgvitals up` started them again.';
comment on column monitoring.process_restarts.ended_at is 'when the end was noticed';
comment on column monitoring.process_restarts.reason is 'exit status or signal, as the system gave it';

-- The metrics of a release are registered after its migrations, and a rule needs its metric.
insert into monitoring.metrics (metric, unit, subject_kind, phrase, description, aggregates, collector, is_generic)
values (
  'process_restarts', 'count', 'process', 'restarts after an unexpected end', 'restarts of a process of pgvitals',
  '{sum}', null, false
)
on conflict (metric) do nothing;

insert into monitoring.rules (
  rule_id, metric, aggregate, labels, comparison, warning, critical, resolve, window_seconds, for_seconds,
  cooldown_seconds, minimum_traffic, inhibited_by, tags, summary, advice, runbook
)
values (
  'process_restarts', 'process_restarts', 'sum', '{}', 'above', 0, 2, 0, 900, 0, 900, 0,
  -- The monitor's own troubles are told also while a target is down.
  '{}', '{"class": "monitor"}', 'A process of pgvitals ended and was started again',
  'See why: .pgvitals/application.log, or the log of the default database in .pgvitals/postgres/log',
  'docs/runbooks/monitor.md'
)
on conflict (rule_id) do nothing;
