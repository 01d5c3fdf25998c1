-- metric: temp_bytes_per_second
-- unit: bytes
-- subject: database
-- phrase: temporary files written per second
-- describes: bytes per second that statements spill to temporary files
-- aggregates: sum
-- collector: databases

select
  span.span, target.target_id, used.database as subject, used.database as subject_label,
  target.labels || pg_catalog.jsonb_build_object('database', used.database) as labels,
  (used.traffic::float8 / span.window_seconds)::float8 as value, used.traffic::int8 as traffic
from span
join target using (collector)
cross join lateral (
  select sample.database, sum(sample.temp_bytes) as traffic
  from monitoring.database_samples as sample
  where sample.target_id = target.target_id
    and sample.sampled_at > span.starts_at and sample.sampled_at <= span.ends_at
  group by sample.database
) as used
where used.traffic is not null
