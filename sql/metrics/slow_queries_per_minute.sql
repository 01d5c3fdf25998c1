-- metric: slow_queries_per_minute
-- unit: count
-- subject: database
-- phrase: slow queries per minute
-- describes: calls per minute of statements that take more than 500 ms on average, by database
-- aggregates: sum
-- collector: statements
--
-- The mean is that of one collection, so that an hour of quick calls hides no minute of slow ones.

select
  slow.span, slow.target_id, slow.database as subject, slow.database as subject_label,
  slow.labels || pg_catalog.jsonb_build_object('database', slow.database) as labels,
  (slow.calls * 60.0 / slow.window_seconds)::float8 as value, slow.calls::int8 as traffic
from (
  select span.span, span.window_seconds, target.target_id, target.labels, known.database, sum(sample.calls) as calls
  from span
  join target using (collector)
  join monitoring.statement_samples as sample on sample.target_id = target.target_id
    and sample.sampled_at > span.starts_at and sample.sampled_at <= span.ends_at
    and sample.exec_us > sample.calls * 500000
  join monitoring.statements as known using (statement_id)
  where known.database is not null
    and (known.user_name is null or known.user_name not in (
      'pgvitals_collector', 'pgvitals_maintenance', 'pgvitals_writer', 'pgvitals_alerter', 'pgvitals_manager',
      'pgvitals_viewer', 'pgvitals_operator'
    ))
  group by span.span, span.window_seconds, target.target_id, target.labels, known.database
) as slow
