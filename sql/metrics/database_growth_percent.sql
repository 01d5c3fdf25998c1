-- metric: database_growth_percent
-- unit: percent
-- subject: database
-- phrase: growth
-- describes: size of a database against that at the beginning of the window
-- aggregates: last
-- collector: database_sizes
--
-- A database that was not seen on that day is not compared.

select
  span.span, target.target_id, subject.subject_key as subject, subject.labels ->> 'database' as subject_label,
  target.labels || subject.labels as labels,
  (100.0 * (used.bytes_now - used.bytes_then) / used.bytes_then)::float8 as value, used.bytes_now::int8 as traffic
from (
  select
    span.*, known.collector_id, pg_catalog.array_position(known.columns, 'size_bytes') as place
  from span join monitoring.collectors as known using (collector)
) as span
join target using (collector)
join monitoring.subjects as subject on subject.target_id = target.target_id
  and subject.collector_id = span.collector_id and (subject.gone_at is null or subject.gone_at > span.ends_at)
cross join lateral (
  select
    (
      select sample."values"[span.place] from monitoring.samples as sample
      where sample.subject_id = subject.subject_id
        and sample.sampled_at > span.ends_at - interval '1 day' and sample.sampled_at <= span.ends_at
      order by sample.sampled_at desc limit 1
    ) as bytes_now,
    (
      select rolled.lasts[span.place] from monitoring.samples_daily as rolled
      where rolled.subject_id = subject.subject_id
        and rolled.starts_at = pg_catalog.date_trunc('day', span.starts_at, 'UTC')
    ) as bytes_then
) as used
where used.bytes_then > 0
