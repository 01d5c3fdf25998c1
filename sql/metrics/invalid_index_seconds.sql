-- metric: invalid_index_seconds
-- unit: s
-- subject: index
-- phrase: time that an index has been invalid
-- describes: how long an invalid index that nobody builds has been known
-- aggregates: last
-- collector: invalid_indexes

select
  span.span, target.target_id, subject.subject_key as subject,
  (subject.labels ->> 'schema') || '.' || (subject.labels ->> 'index') as subject_label,
  target.labels || subject.labels as labels,
  greatest(0, pg_catalog.date_part('epoch', span.ends_at - subject.first_seen))::float8 as value, 1::int8 as traffic
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
where monitoring.number_of(last.numbers, known.columns, 'is_building') = 0
