-- metric: collectors_failing
-- unit: count
-- phrase: number of collectors that fail
-- describes: collectors whose last run on the target failed
-- aggregates: last
--
-- Nobody keeps how collectors fared: of the past it is not known.

select
  span.span, target.target_id, '' as subject, target.name as subject_label, target.labels,
  used.failing::float8 as value, used.all_of_them::int8 as traffic
from span
join target using (collector)
cross join lateral (
  select count(*) filter (where status.outcome = 'failed') as failing, count(*) as all_of_them
  from monitoring.collector_status as status
  join monitoring.collectors as known using (collector)
  where status.target_id = target.target_id and known.present and known.enabled
) as used
where span.is_now and used.all_of_them > 0
