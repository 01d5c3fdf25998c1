-- metric: statement_mean_ms
-- unit: ms
-- subject: statement
-- phrase: mean execution time
-- describes: mean time of a statement over the window
-- aggregates: avg
-- collector: statements
--
-- Labels: database, user, query (the normalised text) and shape. `single` looks one row up: at most a row per call, by a
-- condition, without counting; `paginated` asks for a page; anything else is `other`.

select
  total.span, total.target_id, known.statement_key as subject,
  coalesce(known.query, 'statement ' || known.query_id::text) as subject_label,
  total.labels || pg_catalog.jsonb_build_object(
    'database', known.database, 'user', known.user_name, 'query', known.query,
    'shape', case
      when known.is_lookup and total.rows <= total.calls then 'single'
      when known.is_page then 'paginated'
      else 'other'
    end
  ) as labels,
  (total.exec_us / total.calls / 1000)::float8 as value, total.calls::int8 as traffic
from (
  select span.span, target.target_id, target.labels, used.*
  from span
  join target using (collector)
  cross join lateral (
    select
      sample.statement_id, sum(sample.calls) as calls, sum(sample.exec_us) as exec_us, sum(sample.rows) as rows
    from monitoring.statement_samples as sample
    where sample.target_id = target.target_id
      and sample.sampled_at > span.starts_at and sample.sampled_at <= span.ends_at
    group by sample.statement_id
  ) as used
) as total
join monitoring.statements as known using (statement_id)
where total.calls > 0 and (known.user_name is null or known.user_name not in (
  'pgvitals_collector', 'pgvitals_maintenance', 'pgvitals_writer', 'pgvitals_alerter', 'pgvitals_manager',
  'pgvitals_viewer', 'pgvitals_operator'
))
