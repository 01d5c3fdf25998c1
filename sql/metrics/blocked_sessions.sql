-- metric: blocked_sessions
-- unit: count
-- phrase: number of sessions that wait for a lock
-- describes: sessions that wait for a lock
-- aggregates: max avg min
-- collector: activity

select
  span.span, target.target_id, '' as subject, target.name as subject_label, target.labels,
  used.value::float8 as value, used.samples::int8 as traffic
from span
join target using (collector)
cross join lateral (
  select
    count(*) as samples,
    case span.aggregate
      when 'avg' then avg(sample.waiting_on_lock)
      when 'min' then min(sample.waiting_on_lock)
      else max(sample.waiting_on_lock)
    end as value
  from monitoring.activity_samples as sample
  where sample.target_id = target.target_id
    and sample.sampled_at > span.starts_at and sample.sampled_at <= span.ends_at
) as used
where used.samples > 0
