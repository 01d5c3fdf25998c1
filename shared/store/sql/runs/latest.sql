-- The last run and the last success of each function ($1 names), also of those that never ran.
select
  wanted.function::text as function,
  latest.outcome::text as outcome,
  (latest.started_at at time zone 'UTC')::timestamp as started_at,
  (latest.finished_at at time zone 'UTC')::timestamp as finished_at,
  latest.error::text as error,
  (pg_catalog.date_part('epoch', now() - latest.started_at))::float8 as age_seconds,
  (pg_catalog.date_part('epoch', latest.finished_at - latest.started_at) * 1000)::float8 as duration_ms,
  (pg_catalog.date_part('epoch', now() - success.finished_at))::float8 as success_age_seconds,
  -- What is installed is part of the schema: a function is expected since the last migration at the latest.
  (
    select coalesce(pg_catalog.date_part('epoch', now() - max(m.applied_at)), 0) from monitoring.schema_migrations as m
  )::float8 as expected_for_seconds
from pg_catalog.unnest($1::text[]) as wanted (function)
left join lateral (
  select r.outcome, r.started_at, r.finished_at, r.error
  from monitoring.function_runs as r
  where r.function = wanted.function
  order by r.started_at desc
  limit 1
) as latest on true
left join lateral (
  select r.finished_at
  from monitoring.function_runs as r
  where r.function = wanted.function and r.outcome in ('ok', 'partial')
  order by r.started_at desc
  limit 1
) as success on true
order by wanted.function
