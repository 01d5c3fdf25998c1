-- metric: function_stale_seconds
-- unit: s
-- subject: function
-- phrase: time without a success
-- describes: for how long a function of pgvitals has not succeeded
-- aggregates: last
--
-- One that never succeeded is missed since it was installed: since the last migration.

select
  span.span, target.target_id, run.function as subject, run.function as subject_label,
  target.labels || pg_catalog.jsonb_build_object('function', run.function) as labels,
  greatest(0, pg_catalog.date_part('epoch', span.ends_at - run.succeeded_at))::float8 as value, 1::int8 as traffic
from span
-- An alert belongs to a target: what is about the monitor itself goes by the first one that is watched.
join (select * from target order by target.target_id limit 1) as target using (collector)
cross join lateral (
  select
    wanted.function,
    coalesce(
      (
        select max(r.started_at)
        from monitoring.function_runs as r
        where r.function = wanted.function and r.outcome in ('ok', 'partial')
          and r.started_at <= span.ends_at and r.started_at > span.ends_at - interval '2 days'
      ),
      (select max(m.applied_at) from monitoring.schema_migrations as m where m.applied_at <= span.ends_at)
    ) as succeeded_at
  from pg_catalog.unnest(
    array['check-alerts', 'collect-stats', 'deliver-notifications', 'run-maintenance', 'run-responses']
  ) as wanted (function)
) as run
where run.succeeded_at is not null
