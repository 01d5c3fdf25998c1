-- Load tests: what each run was, and what came of every request, so that the next run can be compared with it.
--
-- Written by `pgvitals load`, a few rows a run. Whoever stores a run removes those that are two years old.

create table monitoring.load_runs (
  load_run_id int8 generated always as identity primary key,
  recorded_at timestamptz not null default now(),
  scenario text not null,
  scale float8 not null,
  users int4 not null,
  asked_rate float8 not null,
  duration_seconds int4 not null,
  server_version int8 not null,
  transactions int8 not null,
  failed int8 not null,
  passed bool not null,
  report jsonb not null,
  constraint load_runs_scenario_is_plain check (scenario ~ '^[a-z][a-z0-9_]{0,62}$'),
  constraint load_runs_are_of_a_load check (scale > 0 and users > 0 and asked_rate > 0 and duration_seconds > 0),
  constraint load_runs_count_up check (transactions >= 0 and failed >= 0)
);

-- The last run that another can be compared with.
create index load_runs_alike on monitoring.load_runs (scenario, scale, users, asked_rate, load_run_id);
create index load_runs_recorded on monitoring.load_runs (recorded_at);

comment on table monitoring.load_runs is 'Runs of `pgvitals load`.';
comment on column monitoring.load_runs.scale is 'how much data there was: 1 is 1,000 patients';
comment on column monitoring.load_runs.asked_rate is 'requests a second that were to be sent';
comment on column monitoring.load_runs.failed is 'requests that failed, and sessions that broke off';
comment on column monitoring.load_runs.report is 'all that was said of the run, with its course';

create table monitoring.load_run_requests (
  load_run_id int8 not null references monitoring.load_runs on delete cascade,
  request text not null,
  threshold_class text not null,
  threshold_ms float8 not null,
  transactions int8 not null,
  failed int8 not null,
  p50_ms float8 not null,
  p95_ms float8 not null,
  p99_ms float8 not null,
  maximum_ms float8 not null,
  level text,
  primary key (load_run_id, request),
  constraint load_run_requests_level_is_known check (level in ('warning', 'critical', 'emergency'))
);

comment on table monitoring.load_run_requests is 'What came of each kind of request in a run, waiting for a free session included.';
comment on column monitoring.load_run_requests.level is 'how bad the 99th percentile is beside the threshold; null: well';
