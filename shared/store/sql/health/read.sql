-- The state of every enabled target and the last run of every function ($1 names), in one row.
select
  (select max(m.version) from monitoring.schema_migrations as m)::int8 as schema_version,
  (
    select coalesce(
      pg_catalog.jsonb_agg(
        pg_catalog.jsonb_build_object(
          'target', t.name, 'up', s.up, 'error_code', s.error_code, 'error', s.error, 'down_since', s.down_since,
          'last_success_at', s.last_success_at,
          'success_age_seconds', pg_catalog.date_part('epoch', now() - s.last_success_at),
          'interval_seconds', t.interval_seconds
        )
        order by t.name
      ),
      '[]'
    )
    from monitoring.targets as t
    left join monitoring.target_state as s using (target_id)
    where t.enabled
  )::jsonb as targets,
  (
    select coalesce(
      pg_catalog.jsonb_agg(
        pg_catalog.jsonb_build_object(
          'function', wanted.function, 'outcome', latest.outcome, 'error', latest.error, 'started_at', latest.started_at,
          'age_seconds', pg_catalog.date_part('epoch', now() - latest.started_at)
        )
        order by wanted.function
      ),
      '[]'
    )
    from pg_catalog.unnest($1::text[]) as wanted (function)
    left join lateral (
      select r.outcome, r.error, r.started_at
      from monitoring.function_runs as r
      where r.function = wanted.function
      order by r.started_at desc
      limit 1
    ) as latest on true
  )::jsonb as functions
