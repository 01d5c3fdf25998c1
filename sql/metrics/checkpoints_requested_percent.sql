-- metric: checkpoints_requested_percent
-- unit: percent
-- phrase: share of checkpoints that come before their time
-- describes: checkpoints that were requested, by WAL that filled up or by hand, in percent of all
-- aggregates: avg
-- collector: checkpoints

select
  span.span, target.target_id, '' as subject, target.name as subject_label, target.labels,
  (100.0 * used.requested / used.made)::float8 as value, used.made::int8 as traffic
from span
join target using (collector)
cross join lateral (
  select
    sum(monitoring.number_of(sample."values", known.columns, 'requested')) as requested,
    sum(
      monitoring.number_of(sample."values", known.columns, 'requested')
      + monitoring.number_of(sample."values", known.columns, 'timed')
    ) as made
  from monitoring.collectors as known
  join monitoring.subjects as subject on subject.target_id = target.target_id
    and subject.collector_id = known.collector_id
  join monitoring.samples as sample on sample.subject_id = subject.subject_id
    and sample.sampled_at > span.starts_at and sample.sampled_at <= span.ends_at
  where known.collector = span.collector
) as used
where used.made > 0
