-- metric: cache_hit_percent
-- unit: percent
-- subject: database
-- phrase: cache hit ratio
-- describes: blocks found in shared buffers in percent of all that were asked for
-- aggregates: avg
-- collector: databases
--
-- What was asked for is the traffic: ask for enough of it, for the ratio of an idle database is noise.

select
  span.span, target.target_id, used.database as subject, used.database as subject_label,
  target.labels || pg_catalog.jsonb_build_object('database', used.database) as labels,
  (100.0 * used.hit / used.traffic)::float8 as value, used.traffic::int8 as traffic
from span
join target using (collector)
cross join lateral (
  select sample.database, sum(sample.blocks_hit) as hit, sum(sample.blocks_hit + sample.blocks_read) as traffic
  from monitoring.database_samples as sample
  where sample.target_id = target.target_id
    and sample.sampled_at > span.starts_at and sample.sampled_at <= span.ends_at
  group by sample.database
) as used
where used.traffic > 0
