-- Samples rolled up by the hour and by the day: sums, counts, minima, maxima, the last value, and histograms.
--
-- Every sample table has two roll-up tables of the same subjects, TABLE_hourly and TABLE_daily. Days are made of hours, and
-- are what they would be if they were made of the samples: sums add up, histograms too.

-- --- Histograms --------------------------------------------------------------------------------------------------------
--
-- Percentiles of a day cannot be had from percentiles of its hours, but from their histograms, which are added bucket by
-- bucket. The buckets are those of DDSketch with a relative error of 2 % (Masson, Rim, Lee: "DDSketch: a fast and
-- fully-mergeable quantile sketch with relative-error guarantees", PVLDB 12, 2019): bucket i holds what is in
-- (gamma^(i-1), gamma^i] with gamma = 1.02/0.98. The numbers are shifted by one so that 0 is the bucket of zero and
-- negative values mirror positive ones. shared/vitals/src/histogram.rs is the same in Rust; a test compares them.

create function monitoring.histogram_bucket(value int8)
  returns int4
  language sql
  immutable
  parallel safe
as $function$
  select case
    when value is null then null
    when value = 0 then 0
    -- 0.04000533461369913 = ln(1.02 / 0.98)
    when value > 0 then 1 + pg_catalog.ceil(pg_catalog.ln(value::float8) / 0.04000533461369913::float8)::int4
    else -1 - pg_catalog.ceil(pg_catalog.ln(-value::float8) / 0.04000533461369913::float8)::int4
  end
$function$;

comment on function monitoring.histogram_bucket(int8) is 'the logarithmic bucket of a value; its values differ by 4 %';

-- The value that is within 2 % of all in a bucket: 2 gamma^i / (gamma + 1) = 0.98 gamma^i.
create function monitoring.histogram_value(bucket int4)
  returns float8
  language sql
  immutable
  parallel safe
as $function$
  select sign(bucket::float8) * 0.98::float8 * exp((abs(bucket) - 1) * 0.04000533461369913::float8)
$function$;

create function monitoring.histogram_quantile(histogram jsonb, quantile float8)
  returns float8
  language sql
  immutable
  parallel safe
as $function$
  with bucket as (
    select b.key::int4 as bucket, b.value::int8 as held
    from pg_catalog.jsonb_each_text(histogram) as b
  ),
  ranked as (
    select bucket, sum(held) over (order by bucket) as up_to, sum(held) over () as total from bucket
  )
  select monitoring.histogram_value(bucket) from ranked
   where up_to > pg_catalog.floor(quantile * (total - 1)::float8)
   order by bucket limit 1
$function$;

comment on function monitoring.histogram_quantile(jsonb, float8) is 'the quantile (0 to 1) of one histogram of a roll-up, within 2 %; null where nothing was counted';

-- --- The tables --------------------------------------------------------------------------------------------------------
--
-- A column NAME_sum, NAME_min, NAME_max, NAME_last or NAME_count is made of NAME of the samples: monitoring.roll_up()
-- reads the names. To roll up a new column of samples, add its columns here, to the hours and to the days. Of counters a
-- minimum is the least of one interval; `_last` is there for what goes up and down, `_count` for what is not always known.

create table monitoring.samples_hourly (
  subject_id int8 not null,
  starts_at timestamptz not null,
  target_id int4 not null,
  collector_id int4 not null,
  samples int8 not null,
  measured_ms int8,
  counts int8[] not null,
  sums numeric[] not null,
  minima int8[] not null,
  maxima int8[] not null,
  lasts int8[] not null,
  histograms jsonb,
  primary key (subject_id, starts_at)
) partition by range (starts_at);

create index samples_hourly_target on monitoring.samples_hourly (target_id, starts_at);

comment on table monitoring.samples_hourly is 'monitoring.samples by the hour; arrays by the positions of monitoring.collectors.columns. A subject without a sample in the hour has no row.';
comment on column monitoring.samples_hourly.samples is 'how many samples there were';
comment on column monitoring.samples_hourly.measured_ms is 'for how long counters were counted: sums divided by it are rates';
comment on column monitoring.samples_hourly.counts is 'in how many samples the value was known';
comment on column monitoring.samples_hourly.sums is 'numeric, because a sum of large gauges may be greater than an int8';
comment on column monitoring.samples_hourly.lasts is 'the values of the last sample';
comment on column monitoring.samples_hourly.histograms is 'of the collector''s percentiles, by name: how many values by bucket';

create table monitoring.statement_samples_hourly (
  statement_id int8 not null,
  starts_at timestamptz not null,
  target_id int4 not null,
  samples int8 not null,
  measured_ms int8 not null,
  calls_sum int8 not null, calls_min int8 not null, calls_max int8 not null,
  exec_us_sum int8 not null, exec_us_min int8 not null, exec_us_max int8 not null,
  rows_sum int8 not null, rows_min int8 not null, rows_max int8 not null,
  shared_hit_sum int8 not null, shared_hit_min int8 not null, shared_hit_max int8 not null,
  shared_read_sum int8 not null, shared_read_min int8 not null, shared_read_max int8 not null,
  shared_dirtied_sum int8 not null, shared_dirtied_min int8 not null, shared_dirtied_max int8 not null,
  shared_written_sum int8 not null, shared_written_min int8 not null, shared_written_max int8 not null,
  temp_read_sum int8 not null, temp_read_min int8 not null, temp_read_max int8 not null,
  temp_written_sum int8 not null, temp_written_min int8 not null, temp_written_max int8 not null,
  -- What is not always measured.
  plan_us_sum int8, plan_us_min int8, plan_us_max int8,
  read_us_sum int8, read_us_min int8, read_us_max int8,
  write_us_sum int8, write_us_min int8, write_us_max int8,
  wal_bytes_sum int8, wal_bytes_min int8, wal_bytes_max int8,
  -- Numeric, because sums of squares may be greater than an int8.
  exec_squares_sum numeric,
  plans_sum int8, plans_max int8,
  local_hit_sum int8, local_hit_max int8,
  local_read_sum int8, local_read_max int8,
  local_dirtied_sum int8, local_dirtied_max int8,
  local_written_sum int8, local_written_max int8,
  local_read_us_sum int8, local_read_us_max int8,
  local_write_us_sum int8, local_write_us_max int8,
  temp_read_us_sum int8, temp_read_us_max int8,
  temp_write_us_sum int8, temp_write_us_max int8,
  wal_records_sum int8, wal_records_max int8,
  wal_full_page_images_sum int8, wal_full_page_images_max int8,
  jit_functions_sum int8, jit_functions_max int8,
  jit_us_sum int8, jit_us_max int8,
  plan_us_count int4 not null, read_us_count int4 not null, write_us_count int4 not null,
  wal_bytes_count int4 not null, exec_squares_count int4 not null, plans_count int4 not null,
  local_hit_count int4 not null, local_read_count int4 not null, local_dirtied_count int4 not null,
  local_written_count int4 not null, local_read_us_count int4 not null, local_write_us_count int4 not null,
  temp_read_us_count int4 not null, temp_write_us_count int4 not null, wal_records_count int4 not null,
  wal_full_page_images_count int4 not null, jit_functions_count int4 not null, jit_us_count int4 not null,
  histograms jsonb,
  primary key (statement_id, starts_at)
) partition by range (starts_at);

create index statement_samples_hourly_target on monitoring.statement_samples_hourly (target_id, starts_at);

comment on table monitoring.statement_samples_hourly is 'monitoring.statement_samples by the hour. _count is in how many samples a value was measured that is not always.';
comment on column monitoring.statement_samples_hourly.histograms is 'mean_us: the mean time of a call in each interval, weighted with its calls';

create table monitoring.activity_samples_hourly (
  target_id int4 not null,
  starts_at timestamptz not null,
  samples int8 not null,
  connections_sum int8 not null, connections_min int8 not null, connections_max int8 not null,
  connections_last int8 not null,
  max_connections_sum int8 not null, max_connections_min int8 not null, max_connections_max int8 not null,
  max_connections_last int8 not null,
  reserved_connections_sum int8 not null, reserved_connections_min int8 not null,
  reserved_connections_max int8 not null, reserved_connections_last int8 not null,
  active_sum int8 not null, active_min int8 not null, active_max int8 not null, active_last int8 not null,
  idle_sum int8 not null, idle_min int8 not null, idle_max int8 not null, idle_last int8 not null,
  idle_in_transaction_sum int8 not null, idle_in_transaction_min int8 not null,
  idle_in_transaction_max int8 not null, idle_in_transaction_last int8 not null,
  idle_in_transaction_aborted_sum int8 not null, idle_in_transaction_aborted_min int8 not null,
  idle_in_transaction_aborted_max int8 not null, idle_in_transaction_aborted_last int8 not null,
  waiting_on_lock_sum int8 not null, waiting_on_lock_min int8 not null, waiting_on_lock_max int8 not null,
  waiting_on_lock_last int8 not null,
  longest_transaction_ms_sum int8 not null, longest_transaction_ms_min int8 not null,
  longest_transaction_ms_max int8 not null, longest_transaction_ms_last int8 not null,
  longest_statement_ms_sum int8 not null, longest_statement_ms_min int8 not null,
  longest_statement_ms_max int8 not null, longest_statement_ms_last int8 not null,
  oldest_idle_in_transaction_ms_sum int8 not null, oldest_idle_in_transaction_ms_min int8 not null,
  oldest_idle_in_transaction_ms_max int8 not null, oldest_idle_in_transaction_ms_last int8 not null,
  histograms jsonb,
  primary key (target_id, starts_at)
) partition by range (starts_at);

comment on table monitoring.activity_samples_hourly is 'monitoring.activity_samples by the hour.';
comment on column monitoring.activity_samples_hourly.histograms is 'of all but the limits, by name';

create table monitoring.database_samples_hourly (
  target_id int4 not null,
  database text not null,
  starts_at timestamptz not null,
  samples int8 not null,
  measured_ms int8 not null,
  backends_sum int8 not null, backends_min int8 not null, backends_max int8 not null, backends_last int8 not null,
  commits_sum int8 not null, commits_min int8 not null, commits_max int8 not null,
  rollbacks_sum int8 not null, rollbacks_min int8 not null, rollbacks_max int8 not null,
  blocks_read_sum int8 not null, blocks_read_min int8 not null, blocks_read_max int8 not null,
  blocks_hit_sum int8 not null, blocks_hit_min int8 not null, blocks_hit_max int8 not null,
  rows_returned_sum int8 not null, rows_returned_min int8 not null, rows_returned_max int8 not null,
  rows_fetched_sum int8 not null, rows_fetched_min int8 not null, rows_fetched_max int8 not null,
  rows_inserted_sum int8 not null, rows_inserted_min int8 not null, rows_inserted_max int8 not null,
  rows_updated_sum int8 not null, rows_updated_min int8 not null, rows_updated_max int8 not null,
  rows_deleted_sum int8 not null, rows_deleted_min int8 not null, rows_deleted_max int8 not null,
  conflicts_sum int8 not null, conflicts_min int8 not null, conflicts_max int8 not null,
  temp_files_sum int8 not null, temp_files_min int8 not null, temp_files_max int8 not null,
  temp_bytes_sum int8 not null, temp_bytes_min int8 not null, temp_bytes_max int8 not null,
  deadlocks_sum int8 not null, deadlocks_min int8 not null, deadlocks_max int8 not null,
  read_us_sum int8 not null, read_us_min int8 not null, read_us_max int8 not null,
  write_us_sum int8 not null, write_us_min int8 not null, write_us_max int8 not null,
  histograms jsonb,
  primary key (target_id, database, starts_at)
) partition by range (starts_at);

create index database_samples_hourly_target on monitoring.database_samples_hourly (target_id, starts_at);

comment on table monitoring.database_samples_hourly is 'monitoring.database_samples by the hour.';
comment on column monitoring.database_samples_hourly.histograms is 'backends';

create table monitoring.samples_daily (like monitoring.samples_hourly including all) partition by range (starts_at);
create table monitoring.statement_samples_daily (like monitoring.statement_samples_hourly including all)
  partition by range (starts_at);
create table monitoring.activity_samples_daily (like monitoring.activity_samples_hourly including all)
  partition by range (starts_at);
create table monitoring.database_samples_daily (like monitoring.database_samples_hourly including all)
  partition by range (starts_at);

comment on table monitoring.samples_daily is 'monitoring.samples by the day of UTC, made of samples_hourly.';
comment on table monitoring.statement_samples_daily is 'monitoring.statement_samples by the day of UTC, made of the hours.';
comment on table monitoring.activity_samples_daily is 'monitoring.activity_samples by the day of UTC, made of the hours.';
comment on table monitoring.database_samples_daily is 'monitoring.database_samples by the day of UTC, made of the hours.';

-- How far each target is rolled up. It moves in the transaction that writes the bucket, and never goes back: what it has
-- passed may not be there any more.
create table monitoring.roll_up_progress (
  target_id int4 not null references monitoring.targets on delete cascade,
  sample_table text not null,
  resolution text not null,
  rolled_to timestamptz not null,
  primary key (target_id, sample_table, resolution),
  constraint roll_up_progress_resolution_is_known check (resolution in ('hourly', 'daily')),
  constraint roll_up_progress_is_at_an_end check (
    mod(extract(epoch from rolled_to)::int8, case resolution when 'hourly' then 3600 else 86400 end) = 0
  )
);

comment on table monitoring.roll_up_progress is 'Up to when the samples of each target are rolled up. Written by monitoring.roll_up() only.';

-- --- What is kept, and where it lies -------------------------------------------------------------------------------------

create table monitoring.retention (
  collector text primary key,
  raw interval,
  hourly interval,
  daily interval,
  constraint retention_is_long_enough check (
    raw >= interval '1 day' and hourly >= interval '1 day' and daily >= interval '1 day'
  ),
  constraint retention_of_all_is_whole check (
    collector <> '*' or (raw is not null and hourly is not null and daily is not null)
  )
);

comment on table monitoring.retention is 'How long samples are kept, by collector; * is for all others, and for what is null.';

insert into monitoring.retention values ('*', interval '7 days', interval '90 days', interval '730 days');

alter table monitoring.partitioned_tables
  alter column retention drop not null,
  add column sample_table text,
  add column resolution text,
  add column collector text,
  add constraint partitioned_tables_resolution_is_known check (resolution in ('raw', 'hourly', 'daily')),
  add constraint partitioned_tables_samples_are_whole check ((sample_table is null) = (resolution is null)),
  add constraint partitioned_tables_are_kept_for_some_time check (retention is not null or resolution is not null);

comment on column monitoring.partitioned_tables.retention is 'null for samples, which are kept as monitoring.retention says';
comment on column monitoring.partitioned_tables.sample_table is 'the table of samples that it holds or is made of';
comment on column monitoring.partitioned_tables.resolution is 'raw, hourly or daily, for samples';
comment on column monitoring.partitioned_tables.collector is 'whose samples these are; null where it holds those of many';

-- What was adjusted there before is adjusted here now.
insert into monitoring.retention (collector, raw)
select k.collector, t.retention
  from (values ('statement_samples', 'statements'), ('activity_samples', 'activity'), ('database_samples', 'databases'))
    as k (table_name, collector)
  join monitoring.partitioned_tables as t on t.table_name = k.table_name
 where t.retention <> interval '7 days';

update monitoring.partitioned_tables as t
   set retention = null, sample_table = t.table_name, resolution = 'raw', collector = k.collector
  from (
    values ('samples', null), ('statement_samples', 'statements'), ('activity_samples', 'activity'),
      ('database_samples', 'databases')
  ) as k (table_name, collector)
 where t.table_name = k.table_name;

insert into monitoring.partitioned_tables (table_name, step, ahead, sample_table, resolution, collector)
select t.sample_table || '_' || r.resolution, r.step, r.ahead, t.sample_table, r.resolution, t.collector
  from monitoring.partitioned_tables as t,
    (values ('hourly', interval '7 days', 2), ('daily', interval '30 days', 1)) as r (resolution, step, ahead)
 where t.resolution = 'raw';

-- How long the samples of a collector are kept.
create function monitoring.retention_of(of_collector text)
  returns table (raw interval, hourly interval, daily interval)
  language sql
  stable
as $function$
  select coalesce(own.raw, everyone.raw), coalesce(own.hourly, everyone.hourly), coalesce(own.daily, everyone.daily)
  from monitoring.retention as everyone
  left join monitoring.retention as own on own.collector = of_collector
  where everyone.collector = '*'
$function$;

-- How long a partition of a table is kept: as long as any collector wants whose samples it holds.
create function monitoring.longest_retention(of_table text)
  returns interval
  language sql
  stable
as $function$
  select case when t.resolution is null then t.retention else (
    select max(case t.resolution when 'raw' then r.raw when 'hourly' then r.hourly else r.daily end)
    from (
      select t.collector where t.collector is not null
      union all
      select own.collector from monitoring.retention as own
      where t.collector is null and not exists (
        select 1 from monitoring.partitioned_tables as other where other.collector = own.collector
      )
    ) as stored (collector)
    cross join lateral monitoring.retention_of(stored.collector) as r
  ) end
  from monitoring.partitioned_tables as t
  where t.table_name = of_table
$function$;

-- Up to when the samples of every target are rolled up; infinity where nothing is made of them.
create function monitoring.rolled_up_to(of_table text, from_resolution text)
  returns timestamptz
  language sql
  stable
as $function$
  select coalesce(min(coalesce(p.rolled_to, t.created_at)), 'infinity')
  from monitoring.targets as t
  left join monitoring.roll_up_progress as p
    on p.target_id = t.target_id and p.sample_table = of_table
    and p.resolution = case from_resolution when 'raw' then 'hourly' else 'daily' end
  where from_resolution in ('raw', 'hourly')
$function$;

-- How far the removal of samples has come that are kept for a shorter time than their partition.
create table monitoring.trimmed_samples (
  table_name text not null references monitoring.partitioned_tables on delete cascade,
  collector_id int4 not null references monitoring.collectors on delete cascade,
  trimmed_to timestamptz not null,
  primary key (table_name, collector_id)
);

comment on table monitoring.trimmed_samples is 'Samples of collectors with a retention of their own are removed up to here. Written by monitoring.remove_short_lived_samples() only.';
