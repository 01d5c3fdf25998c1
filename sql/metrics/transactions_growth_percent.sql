-- metric: transactions_growth_percent
-- unit: percent
-- subject: database
-- phrase: growth of the number of transactions
-- describes: transactions in the whole days of the window against as many days before them
-- aggregates: avg
-- collector: databases
--
-- A statement outside of a block is a transaction of its own, so that this is how many queries there are where nobody uses
-- blocks. A past that was not seen on each of its days is not compared with.

select
  span.span, target.target_id, used.database as subject, used.database as subject_label,
  target.labels || pg_catalog.jsonb_build_object('database', used.database) as labels,
  (100.0 * (used.later - used.earlier) / used.earlier)::float8 as value, used.later::int8 as traffic
from span
join target using (collector)
cross join lateral (
  select
    sample.database,
    sum(sample.commits_sum + sample.rollbacks_sum) filter (where sample.starts_at >= days.middle) as later,
    sum(sample.commits_sum + sample.rollbacks_sum) filter (where sample.starts_at < days.middle) as earlier,
    count(*) as known, 2 * max(days.number) as wanted
  from (
    select
      pg_catalog.date_trunc('day', span.ends_at, 'UTC') - span.window_seconds * interval '1 second' as middle,
      span.window_seconds / 86400 as number
  ) as days
  join monitoring.database_samples_daily as sample on sample.target_id = target.target_id
    and sample.starts_at >= days.middle - span.window_seconds * interval '1 second'
    and sample.starts_at < pg_catalog.date_trunc('day', span.ends_at, 'UTC')
  group by sample.database
) as used
where used.earlier > 0 and used.known >= used.wanted
