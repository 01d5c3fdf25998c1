-- metric: query_mean_ms
-- unit: ms
-- subject: database
-- phrase: mean execution time of all statements
-- describes: mean time of all statements of a database over the window, weighted by calls
-- aggregates: avg
-- collector: statements

select
  total.span, total.target_id, total.database as subject, total.database as subject_label,
  total.labels || pg_catalog.jsonb_build_object('database', total.database) as labels,
  (total.exec_us / total.calls / 1000)::float8 as value, total.calls::int8 as traffic
from (
  select
    span.span, target.target_id, target.labels, known.database, sum(used.calls) as calls, sum(used.exec_us) as exec_us
  from span
  join target using (collector)
  cross join lateral (
    select sample.statement_id, sum(sample.calls) as calls, sum(sample.exec_us) as exec_us
    from monitoring.statement_samples as sample
    where sample.target_id = target.target_id
      and sample.sampled_at > span.starts_at and sample.sampled_at <= span.ends_at
    group by sample.statement_id
  ) as used
  join monitoring.statements as known using (statement_id)
  where known.database is not null
    and (known.user_name is null or known.user_name not in (
      'pgvitals_collector', 'pgvitals_maintenance', 'pgvitals_writer', 'pgvitals_alerter', 'pgvitals_manager',
      'pgvitals_viewer', 'pgvitals_operator'
    ))
  group by span.span, target.target_id, target.labels, known.database
) as total
where total.calls > 0
