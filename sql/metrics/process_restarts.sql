-- metric: process_restarts
-- unit: count
-- subject: process
-- phrase: restarts after an unexpected end
-- describes: how often the runner (application) or the default database ended by itself and was started again
-- aggregates: sum

select
  span.span, target.target_id, known.process as subject, known.process as subject_label,
  target.labels || pg_catalog.jsonb_build_object('process', known.process) as labels,
  (
    select count(*)
    from monitoring.process_restarts as restart
    where restart.process = known.process
      and restart.ended_at > span.starts_at and restart.ended_at <= span.ends_at
  )::float8 as value,
  1::int8 as traffic
from span
-- An alert belongs to a target: what is about the monitor itself goes by the first one that is watched.
join (select * from target order by target.target_id limit 1) as target using (collector)
cross join pg_catalog.unnest(array['application', 'database']) as known (process)
