-- metric: lock_wait_seconds
-- unit: s
-- phrase: time that a session has waited for a lock
-- describes: the longest that a session has been seen waiting for a lock
-- aggregates: max
-- collector: blocked_sessions

select
  span.span, target.target_id, '' as subject, target.name as subject_label, target.labels,
  (used.waiting_ms / 1000.0)::float8 as value, used.sessions::int8 as traffic
from span
join target using (collector)
cross join lateral (
  -- Before PostgreSQL 14 the server does not tell since when: then it is as long as the statement runs, at most.
  select count(*) as sessions, coalesce(max(coalesce(sample.waiting_ms, sample.statement_ms)), 0) as waiting_ms
  from monitoring.blocked_sessions as sample
  where sample.target_id = target.target_id
    and sample.sampled_at > span.starts_at and sample.sampled_at <= span.ends_at
) as used
