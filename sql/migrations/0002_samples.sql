-- What the collectors saw: the last raw counters, the statements by name, and the samples by day.
--
-- Sample tables are partitioned by time. Their partitions are made ahead and dropped by monitoring.maintain_partitions()
-- (next migration); dropping a day costs nothing, deleting its rows would.

-- The last raw counters of a collector on a target. A new snapshot replaces the old one only if the version is still the
-- one that the deltas were computed from, so that two collectors at once never count an interval twice.
-- Unlogged: the rows are large, rewritten every few seconds and worthless after a crash, where a gap is a gap.
create unlogged table monitoring.counter_snapshots (
  target_id int4 not null references monitoring.targets on delete cascade,
  collector text not null,
  version int8 not null,
  taken_at timestamptz not null,
  epoch text not null,
  columns text[] not null,
  keys text[] not null,
  counters int8[] not null,
  primary key (target_id, collector),
  constraint counter_snapshots_are_rectangular check (cardinality(counters) = cardinality(columns) * cardinality(keys)),
  constraint counter_snapshots_versions_count_up check (version > 0)
);

-- Not compressed: a full set of 5,000 statements is less than a megabyte, and compressing it took a hundred times as long
-- as writing it (100 ms against 1 ms).
alter table monitoring.counter_snapshots alter column counters set storage external, alter column keys set storage external;

-- Each write leaves its predecessor's out-of-line rows behind: clear them early, the table stays a few megabytes.
alter table monitoring.counter_snapshots set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100,
  toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 5000
);

comment on column monitoring.counter_snapshots.counters is 'row by row: the counters of the first key, then those of the second, …';

create table monitoring.statements (
  statement_id int8 generated always as identity primary key,
  target_id int4 not null references monitoring.targets on delete cascade,
  statement_key text not null,
  database text,
  user_name text,
  query_id int8 not null,
  top_level bool not null,
  query text,
  utility bool not null default false,
  text_checked_at timestamptz,
  first_seen timestamptz not null default now(),
  last_seen timestamptz not null default now(),
  unique (target_id, statement_key),
  constraint statements_utility_has_no_text check (not utility or query is null),
  constraint statements_key_is_whole check (statement_key ~ '^[0-9]+/[0-9]+/-?[0-9]+/[tf]$')
);

comment on table monitoring.statements is 'Statements that were seen to run, with their normalised text.';
comment on column monitoring.statements.utility is 'no statement on data: PostgreSQL does not normalise its text, so it has neither text nor samples here';
comment on column monitoring.statements.statement_key is 'database oid/user oid/query id/top level (t or f)';

create index statements_last_seen on monitoring.statements (last_seen);

create table monitoring.statement_samples (
  target_id int4 not null,
  statement_id int8 not null,
  sampled_at timestamptz not null,
  interval_ms int8 not null,
  calls int8 not null,
  plan_us int8 not null,
  exec_us int8 not null,
  rows int8 not null,
  shared_hit int8 not null,
  shared_read int8 not null,
  shared_dirtied int8 not null,
  shared_written int8 not null,
  temp_read int8 not null,
  temp_written int8 not null,
  read_us int8 not null,
  write_us int8 not null,
  wal_bytes int8 not null,
  constraint statement_samples_never_go_back check (
    interval_ms > 0
    and least(calls, plan_us, exec_us, rows, shared_hit, shared_read, shared_dirtied, shared_written, temp_read, temp_written) >= 0
    and least(read_us, write_us, wal_bytes) >= 0
  )
) partition by range (sampled_at);

comment on table monitoring.statement_samples is 'What each statement did in one interval. Only statements that ran have a row.';

create index statement_samples_target on monitoring.statement_samples (target_id, sampled_at);
create index statement_samples_statement on monitoring.statement_samples (statement_id, sampled_at);

create table monitoring.activity_samples (
  target_id int4 not null,
  sampled_at timestamptz not null,
  connections int4 not null,
  max_connections int4 not null,
  reserved_connections int4 not null,
  active int4 not null,
  idle int4 not null,
  idle_in_transaction int4 not null,
  idle_in_transaction_aborted int4 not null,
  waiting_on_lock int4 not null,
  longest_transaction_ms int8 not null,
  longest_statement_ms int8 not null,
  oldest_idle_in_transaction_ms int8 not null,
  constraint activity_samples_have_room check (max_connections > reserved_connections and reserved_connections >= 0),
  constraint activity_samples_count_up check (
    least(connections, active, idle, idle_in_transaction, idle_in_transaction_aborted, waiting_on_lock) >= 0
    and least(longest_transaction_ms, longest_statement_ms, oldest_idle_in_transaction_ms) >= 0
  )
) partition by range (sampled_at);

comment on table monitoring.activity_samples is 'Client connections of a target at one moment.';

create index activity_samples_target on monitoring.activity_samples (target_id, sampled_at);

create table monitoring.database_samples (
  target_id int4 not null,
  sampled_at timestamptz not null,
  database text not null,
  interval_ms int8 not null,
  size_bytes int8,
  backends int4 not null,
  commits int8 not null,
  rollbacks int8 not null,
  blocks_read int8 not null,
  blocks_hit int8 not null,
  rows_returned int8 not null,
  rows_fetched int8 not null,
  rows_inserted int8 not null,
  rows_updated int8 not null,
  rows_deleted int8 not null,
  conflicts int8 not null,
  temp_files int8 not null,
  temp_bytes int8 not null,
  deadlocks int8 not null,
  read_us int8 not null,
  write_us int8 not null,
  constraint database_samples_never_go_back check (
    interval_ms > 0 and backends >= 0 and size_bytes >= 0
    and least(commits, rollbacks, blocks_read, blocks_hit, rows_returned, rows_fetched, rows_inserted, rows_updated) >= 0
    and least(rows_deleted, conflicts, temp_files, temp_bytes, deadlocks, read_us, write_us) >= 0
  )
) partition by range (sampled_at);

comment on table monitoring.database_samples is 'What each database of a target did in one interval.';

create index database_samples_target on monitoring.database_samples (target_id, sampled_at);

create table monitoring.function_runs (
  run_id int8 generated always as identity,
  function text not null,
  trigger text not null,
  started_at timestamptz not null default now(),
  deadline_at timestamptz not null,
  finished_at timestamptz,
  outcome text not null default 'running',
  report jsonb,
  error text,
  primary key (run_id, started_at),
  constraint function_runs_trigger_is_known check (trigger in ('cron', 'http')),
  constraint function_runs_outcome_is_known check (outcome in ('running', 'ok', 'partial', 'failed', 'abandoned')),
  constraint function_runs_end_once check ((outcome = 'running') = (finished_at is null))
) partition by range (started_at);

comment on table monitoring.function_runs is 'The journal: every run of every function, also those that fail half-way.';

create index function_runs_latest on monitoring.function_runs (function, started_at desc);
create index function_runs_success on monitoring.function_runs (function, started_at desc)
  where outcome in ('ok', 'partial');
create index function_runs_running on monitoring.function_runs (function, deadline_at) where outcome = 'running';
