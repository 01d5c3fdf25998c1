-- The last readings of a collector ($1) on the enabled targets that answer, if not older than $2 seconds or five
-- intervals, with the names of what they are about.
select
  t.target_id::int8, t.name::text as target, last.version::int8,
  (last.taken_at at time zone 'UTC')::timestamp as taken_at, last.epoch::text,
  last.columns::text[], last.keys::text[], last.counters::int8[], last.gauge_columns::text[], last.gauges::int8[],
  last.fingerprints::int8[],
  (pg_catalog.date_part('epoch', now() - status.at))::float8 as age_seconds,
  coalesce(subjects.keys, '{}')::text[] as subject_keys, coalesce(subjects.names, '[]')::jsonb as subject_names
from monitoring.counter_snapshots as last
join monitoring.targets as t using (target_id)
join monitoring.target_state as state using (target_id)
join monitoring.collectors as c using (collector)
join monitoring.collector_status as status on status.target_id = last.target_id and status.collector = last.collector
left join lateral (
  select
    pg_catalog.array_agg(s.subject_key order by s.subject_id) as keys,
    pg_catalog.jsonb_agg(s.labels || s.texts order by s.subject_id) as names
  from monitoring.subjects as s
  where s.target_id = last.target_id and s.collector_id = c.collector_id and s.gone_at is null
) as subjects on true
where last.collector = $1 and t.enabled and state.up
  and status.last_success_at > now() - greatest($2::int8, 5 * coalesce(c.custom_interval_seconds, c.interval_seconds))
    * interval '1 second'
order by t.name
