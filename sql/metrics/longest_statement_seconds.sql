-- metric: longest_statement_seconds
-- unit: s
-- phrase: time of the longest running statement
-- describes: the longest that a statement of a client has been running
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
      when 'avg' then avg(sample.longest_statement_ms / 1000.0)
      when 'min' then min(sample.longest_statement_ms / 1000.0)
      else max(sample.longest_statement_ms / 1000.0)
    end as value
  from monitoring.activity_samples as sample
  where sample.target_id = target.target_id
    and sample.sampled_at > span.starts_at and sample.sampled_at <= span.ends_at
) as used
where used.samples > 0
