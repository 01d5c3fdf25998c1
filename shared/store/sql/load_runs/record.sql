-- Stores a run ($1 to $10) and what came of its requests ($11 to $20, one element a request), and removes what is two
-- years old. Gives the number of the run.
with forgotten as (
  delete from monitoring.load_runs where recorded_at < now() - interval '2 years'
), run as (
  insert into monitoring.load_runs
    (scenario, scale, users, asked_rate, duration_seconds, server_version, transactions, failed, passed, report)
  values ($1, $2, $3::int4, $4, $5::int4, $6, $7, $8, $9, $10)
  returning load_run_id
), requests as (
  insert into monitoring.load_run_requests
    (load_run_id, request, threshold_class, threshold_ms, transactions, failed, p50_ms, p95_ms, p99_ms, maximum_ms, level)
  select run.load_run_id, part.request, part.threshold_class, part.threshold_us / 1000.0, part.transactions, part.failed,
    part.p50_us / 1000.0, part.p95_us / 1000.0, part.p99_us / 1000.0, part.maximum_us / 1000.0, nullif(part.level, '')
  from run
  cross join unnest(
    $11::text[], $12::text[], $13::int8[], $14::int8[], $15::int8[], $16::int8[], $17::int8[], $18::int8[], $19::int8[],
    $20::text[]
  ) as part (
    request, threshold_class, threshold_us, transactions, failed, p50_us, p95_us, p99_us, maximum_us, level
  )
)
select load_run_id::int8 from run
