-- What else pg_stat_statements tells of a statement, and how its execution times spread.
--
-- A value is null where it was not measured: the version of the extension has no such column, or the setting that makes
-- the server measure it is off. A zero was measured.

alter table monitoring.statement_samples
  alter column plan_us drop not null,
  alter column read_us drop not null,
  alter column write_us drop not null,
  alter column wal_bytes drop not null,
  add column plans int8,
  add column exec_squares int8,
  add column local_hit int8,
  add column local_read int8,
  add column local_dirtied int8,
  add column local_written int8,
  add column local_read_us int8,
  add column local_write_us int8,
  add column temp_read_us int8,
  add column temp_write_us int8,
  add column wal_records int8,
  add column wal_full_page_images int8,
  add column jit_functions int8,
  add column jit_us int8,
  add constraint statement_samples_details_never_go_back check (
    least(plans, exec_squares, local_hit, local_read, local_dirtied, local_written, local_read_us, local_write_us) >= 0
    and least(temp_read_us, temp_write_us, wal_records, wal_full_page_images, jit_functions, jit_us) >= 0
  );

comment on column monitoring.statement_samples.plan_us is 'null where pg_stat_statements.track_planning is off, or before 1.8';
comment on column monitoring.statement_samples.read_us is 'null where track_io_timing is off, as all I/O times';
comment on column monitoring.statement_samples.wal_bytes is 'null before pg_stat_statements 1.8, as all of WAL';
comment on column monitoring.statement_samples.temp_read_us is 'null before pg_stat_statements 1.10';
comment on column monitoring.statement_samples.local_read_us is 'null before pg_stat_statements 1.11, where read_us has it too';
comment on column monitoring.statement_samples.jit_us is 'generation, inlining, optimization, emission and (from 1.11) deforming; null before pg_stat_statements 1.10';
comment on column monitoring.statement_samples.exec_squares is
  'sum of the squares of the execution times in hundredths of ms², for monitoring.standard_deviation_ms; sums of it over intervals are as good';

-- The standard deviation of execution times in ms, as pg_stat_statements reckons it (of all executions, not of a sample):
-- the mean of the squares less the square of the mean. `calls`, `exec_us` and `exec_squares` are of one interval or summed
-- over several. Null without calls, and where the sum of the squares cannot be one: it ended at 9e18.
create function monitoring.standard_deviation_ms(calls numeric, exec_us numeric, exec_squares numeric)
  returns float8
  language sql
  immutable
  parallel safe
  set search_path = pg_catalog, pg_temp
as $function$
  select case
    -- The rounding of the squares to a whole number is allowed for, and a millionth for what float8 cannot resolve.
    when variance < -0.02 / calls - 0.000001 * mean * mean then null
    else sqrt(greatest(variance, 0))::float8
  end
  from (
    select exec_us / 1000 / nullif(calls, 0) as mean,
      exec_squares / 100 / nullif(calls, 0) - (exec_us / 1000 / nullif(calls, 0)) ^ 2 as variance
  ) as moments
  where calls > 0 and exec_squares is not null
$function$;

revoke all on function monitoring.standard_deviation_ms(numeric, numeric, numeric) from public;
