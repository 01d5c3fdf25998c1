-- metric: rollback_percent
-- unit: percent
-- subject: database
-- phrase: share of transactions that are rolled back
-- describes: transactions that were rolled back in percent of all
-- aggregates: avg
-- collector: databases

select
  span.span, target.target_id, used.database as subject, used.database as subject_label,
  target.labels || pg_catalog.jsonb_build_object('database', used.database) as labels,
  (100.0 * used.rollbacks / used.traffic)::float8 as value, used.traffic::int8 as traffic
from span
join target using (collector)
cross join lateral (
  select sample.database, sum(sample.rollbacks) as rollbacks, sum(sample.commits + sample.rollbacks) as traffic
  from monitoring.database_samples as sample
  where sample.target_id = target.target_id
    and sample.sampled_at > span.starts_at and sample.sampled_at <= span.ends_at
  group by sample.database
) as used
where used.traffic > 0
