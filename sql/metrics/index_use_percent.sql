-- metric: index_use_percent
-- unit: percent
-- subject: table
-- phrase: share of scans that use an index
-- describes: scans by index in percent of all scans of a table of 10,000 rows or more
-- aggregates: avg
-- collector: tables

select
  span.span, target.target_id, subject.subject_key as subject,
  (subject.labels ->> 'schema') || '.' || (subject.labels ->> 'table') as subject_label,
  target.labels || subject.labels as labels,
  (100.0 * used.by_index / used.scans)::float8 as value, used.scans::int8 as traffic
from (
  select
    span.*, known.collector_id, pg_catalog.array_position(known.columns, 'seq_scans') as seq_place,
    pg_catalog.array_position(known.columns, 'idx_scans') as idx_place,
    pg_catalog.array_position(known.columns, 'estimated_rows') as rows_place
  from span join monitoring.collectors as known using (collector)
) as span
join target using (collector)
join monitoring.subjects as subject on subject.target_id = target.target_id
  and subject.collector_id = span.collector_id and (subject.gone_at is null or subject.gone_at > span.ends_at)
cross join lateral (
  select
    sum(sample."values"[span.idx_place]) as by_index,
    sum(sample."values"[span.idx_place] + sample."values"[span.seq_place]) as scans,
    max(sample."values"[span.rows_place]) as rows
  from monitoring.samples as sample
  where sample.subject_id = subject.subject_id
    and sample.sampled_at > span.starts_at and sample.sampled_at <= span.ends_at
) as used
where used.scans > 0 and used.rows >= 10000
