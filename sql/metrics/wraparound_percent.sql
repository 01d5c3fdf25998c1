-- metric: wraparound_percent
-- unit: percent
-- subject: database
-- phrase: share of the transaction ids that are used up
-- describes: age of the oldest transaction id or multixact of a database in percent of 2,147,483,647
-- aggregates: last
-- collector: wraparound

select
  span.span, target.target_id, subject.subject_key as subject, subject.labels ->> 'database' as subject_label,
  target.labels || subject.labels as labels,
  (
    100.0 * greatest(
      monitoring.number_of(last.numbers, known.columns, 'xid_age_xids'),
      monitoring.number_of(last.numbers, known.columns, 'multixact_age_mxids')
    ) / 2147483647
  )::float8 as value,
  1::int8 as traffic
from span
join target using (collector)
join monitoring.collectors as known using (collector)
join monitoring.subjects as subject on subject.target_id = target.target_id
  and subject.collector_id = known.collector_id and (subject.gone_at is null or subject.gone_at > span.ends_at)
cross join lateral (
  select sample."values" as numbers
  from monitoring.samples as sample
  where sample.subject_id = subject.subject_id
    and sample.sampled_at > span.ends_at - interval '1 hour' and sample.sampled_at <= span.ends_at
  order by sample.sampled_at desc
  limit 1
) as last
