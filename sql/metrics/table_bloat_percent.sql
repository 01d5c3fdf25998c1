-- metric: table_bloat_percent
-- unit: percent
-- subject: table
-- phrase: share of free space
-- describes: free space in percent of a table, estimated
-- aggregates: last
-- collector: table_bloat
--
-- The bytes that are free are the traffic: a share of a small table is worth nobody's time.

select
  span.span, target.target_id, subject.subject_key as subject,
  (subject.labels ->> 'schema') || '.' || (subject.labels ->> 'table') as subject_label,
  target.labels || subject.labels as labels,
  (monitoring.number_of(last.numbers, known.columns, 'bloat_permille') / 10.0)::float8 as value,
  coalesce(monitoring.number_of(last.numbers, known.columns, 'bloat_bytes'), 0)::int8 as traffic
from span
join target using (collector)
join monitoring.collectors as known using (collector)
join monitoring.subjects as subject on subject.target_id = target.target_id
  and subject.collector_id = known.collector_id and (subject.gone_at is null or subject.gone_at > span.ends_at)
cross join lateral (
  select sample."values" as numbers
  from monitoring.samples as sample
  where sample.subject_id = subject.subject_id
    and sample.sampled_at > span.ends_at - interval '26 hours' and sample.sampled_at <= span.ends_at
  order by sample.sampled_at desc
  limit 1
) as last
