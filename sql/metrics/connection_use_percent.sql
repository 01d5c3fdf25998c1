-- metric: connection_use_percent
-- unit: percent
-- phrase: connection use
-- describes: client connections in percent of those that ordinary logins may have
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
      when 'avg' then avg(100.0 * sample.connections / (sample.max_connections - sample.reserved_connections))
      when 'min' then min(100.0 * sample.connections / (sample.max_connections - sample.reserved_connections))
      else max(100.0 * sample.connections / (sample.max_connections - sample.reserved_connections))
    end as value
  from monitoring.activity_samples as sample
  where sample.target_id = target.target_id
    and sample.sampled_at > span.starts_at and sample.sampled_at <= span.ends_at
) as used
where used.samples > 0
