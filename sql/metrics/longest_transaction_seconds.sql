-- metric: longest_transaction_seconds
-- unit: s
-- phrase: age of the oldest transaction
-- describes: age of the oldest open transaction of a client
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
      when 'avg' then avg(sample.longest_transaction_ms / 1000.0)
      when 'min' then min(sample.longest_transaction_ms / 1000.0)
      else max(sample.longest_transaction_ms / 1000.0)
    end as value
  from monitoring.activity_samples as sample
  where sample.target_id = target.target_id
    and sample.sampled_at > span.starts_at and sample.sampled_at <= span.ends_at
) as used
where used.samples > 0
