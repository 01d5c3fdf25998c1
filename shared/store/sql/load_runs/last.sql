-- The last run of a scenario ($1) with the same scale ($2), sessions ($3) and rate ($4), a row for each of its requests.
select
  run.load_run_id::int8,
  (run.recorded_at at time zone 'UTC')::timestamp as recorded_at,
  run.server_version::int8,
  part.request::text,
  part.transactions::int8,
  part.p50_ms::float8,
  part.p95_ms::float8,
  part.p99_ms::float8
from (
  select r.load_run_id, r.recorded_at, r.server_version
  from monitoring.load_runs as r
  where r.scenario = $1 and r.scale = $2 and r.users = $3 and r.asked_rate = $4
  order by r.load_run_id desc
  limit 1
) as run
join monitoring.load_run_requests as part on part.load_run_id = run.load_run_id
order by part.request
