-- What the collectors without tables of their own store: subjects by name, how they changed, and samples by day.
--
-- A collector is a file in sql/collectors/. Its rows are about subjects (a table, an index, a setting, a slot); the names
-- of a subject are stored once, its texts with every change, and its numbers as samples: one row of all numbers per
-- subject and reading, which is a quarter of the size of a row per number.

-- Every collector as its file describes it; written by `pgvitals migrate`. What an operator may change is `enabled` and
-- `custom_interval_seconds`.
create table monitoring.collectors (
  collector_id int4 generated always as identity primary key,
  collector text not null unique,
  reads text not null,
  scope text not null,
  keeps text not null,
  interval_seconds int4,
  labels text[] not null,
  texts text[] not null,
  columns text[] not null,
  kinds text[] not null,
  percentiles text[] not null default '{}',
  present bool not null default true,
  enabled bool not null default true,
  custom_interval_seconds int4,
  constraint collectors_name_is_plain check (collector ~ '^[a-z][a-z0-9_]{0,44}$'),
  constraint collectors_scope_is_known check (scope in ('instance', 'database')),
  constraint collectors_keep_something check (keeps in ('all', 'changes', 'own')),
  constraint collectors_interval_is_sensible check (interval_seconds between 1 and 86400),
  constraint collectors_custom_interval_is_sensible check (custom_interval_seconds between 1 and 86400),
  constraint collectors_kinds_fit_columns check (
    cardinality(kinds) = cardinality(columns) and kinds <@ array['counter', 'gauge']
  )
);

comment on table monitoring.collectors is 'What is asked of targets. The columns are only ever appended to: their positions are those of samples.values.';
comment on column monitoring.collectors.scope is 'instance: read once per server, by one of its targets; database: read by every target';
comment on column monitoring.collectors.keeps is 'all: a sample of every reading; changes: only where something changed, and once a day; own: tables of its own';
comment on column monitoring.collectors.present is 'whether this release has the file';
comment on column monitoring.collectors.enabled is 'false: no target is asked';
comment on column monitoring.collectors.custom_interval_seconds is 'takes the place of interval_seconds';

create table monitoring.subjects (
  subject_id int8 generated always as identity primary key,
  target_id int4 not null references monitoring.targets on delete cascade,
  collector_id int4 not null references monitoring.collectors,
  subject_key text not null,
  labels jsonb not null default '{}',
  texts jsonb not null default '{}',
  first_seen timestamptz not null default now(),
  gone_at timestamptz,
  unique (target_id, collector_id, subject_key),
  constraint subjects_labels_are_an_object check (jsonb_typeof(labels) = 'object'),
  constraint subjects_texts_are_an_object check (jsonb_typeof(texts) = 'object')
);

create index subjects_gone on monitoring.subjects (gone_at) where gone_at is not null;

comment on table monitoring.subjects is 'What samples are about: a table, an index, a setting. The names once, not with every sample.';
comment on column monitoring.subjects.gone_at is 'since when it is not there any more';

create table monitoring.subject_changes (
  target_id int4 not null,
  subject_id int8 not null,
  changed_at timestamptz not null default now(),
  change text not null,
  before jsonb,
  after jsonb,
  constraint subject_changes_are_known check (change in ('appeared', 'changed', 'disappeared')),
  constraint subject_changes_have_sides check (
    (before is null) = (change = 'appeared') and (after is null) = (change = 'disappeared')
  )
) partition by range (changed_at);

create index subject_changes_subject on monitoring.subject_changes (subject_id, changed_at);
create index subject_changes_target on monitoring.subject_changes (target_id, changed_at);

comment on table monitoring.subject_changes is 'How the texts of subjects changed: settings, extensions, slots, findings.';

create table monitoring.samples (
  subject_id int8 not null,
  target_id int4 not null,
  collector_id int4 not null,
  sampled_at timestamptz not null,
  interval_ms int8,
  "values" int8[] not null,
  constraint samples_are_of_some_time check (interval_ms > 0)
) partition by range (sampled_at);

create index samples_subject on monitoring.samples (subject_id, sampled_at);
-- Rows come in the order of time, so that a few pages of index are enough to find an hour of them.
create index samples_time on monitoring.samples using brin (sampled_at) with (pages_per_range = 32);

comment on table monitoring.samples is 'The numbers of a subject at one reading. The views NAME_history have them by name.';
comment on column monitoring.samples."values" is 'by the positions of monitoring.collectors.columns: of a counter what was counted in the interval, of a gauge the value; null where it is not known';
comment on column monitoring.samples.interval_ms is 'how long the counters were counted; null where there was nothing to compare with';

insert into monitoring.partitioned_tables (table_name, retention) values ('samples', interval '7 days');
insert into monitoring.partitioned_tables (table_name, step, ahead, retention)
values ('subject_changes', interval '30 days', 2, interval '730 days');

-- The last reading whole: also what goes up and down, and a fingerprint of the names and texts of each row, so that only
-- what changed is written.
alter table monitoring.counter_snapshots
  add column gauge_columns text[] not null default '{}',
  add column gauges int8[] not null default '{}',
  add column fingerprints int8[] not null default '{}',
  add constraint counter_snapshots_gauges_are_rectangular check (
    cardinality(gauges) = cardinality(gauge_columns) * cardinality(keys)
  ),
  add constraint counter_snapshots_fingerprints_fit check (cardinality(fingerprints) in (0, cardinality(keys)));

alter table monitoring.counter_snapshots
  alter column gauges set storage external, alter column fingerprints set storage external;

comment on column monitoring.counter_snapshots.gauges is 'row by row, as the counters; null where a value is not known';

alter table monitoring.collector_status add column started_at timestamptz;

comment on column monitoring.collector_status.started_at is 'when it was found to be due, which decides when it is due again';

select monitoring.maintain_table('samples');
select monitoring.maintain_table('subject_changes');
