-- The last readings of some collectors ($1) on the enabled targets that answer, if not older than $2 seconds or five
-- intervals, as they are shown: what monitoring.exposed has of a reading, else all of it, with the names of what they are
-- about. Names are looked up for what is shown only.
select
  t.target_id::int8, t.name::text as target, t.address::text, last.collector::text, last.epoch::text,
  (pg_catalog.date_part('epoch', now() - status.last_success_at))::float8 as age_seconds,
  (e.version is not null)::bool as is_bounded,
  coalesce(e.counter_columns, last.columns)::text[] as counter_columns,
  coalesce(e.gauge_columns, last.gauge_columns)::text[] as gauge_columns,
  coalesce(e.subjects, last.keys)::text[] as subjects,
  coalesce(e.shown, '{}')::int8[] as shown,
  coalesce(e.sizes, '{}')::int8[] as sizes,
  coalesce(e.counters, last.counters)::int8[] as counters,
  coalesce(e.gauges, last.gauges)::int8[] as gauges,
  coalesce(names.keys, '{}')::text[] as named_keys,
  coalesce(names.names, '[]')::jsonb as names
from monitoring.counter_snapshots as last
join monitoring.targets as t using (target_id)
join monitoring.target_state as state using (target_id)
join monitoring.collectors as c using (collector)
join monitoring.collector_status as status on status.target_id = last.target_id and status.collector = last.collector
left join monitoring.exposed as e
  on e.target_id = last.target_id and e.collector = last.collector and e.version = last.version
left join lateral (
  select
    pg_catalog.array_agg(s.subject_key) as keys,
    pg_catalog.jsonb_agg(s.labels || s.texts) as names
  from (
    select shown.subject_key, s.labels, s.texts
    from unnest(e.subjects, e.shown) as part (subject, shown)
    cross join lateral (select pg_catalog.substr(part.subject, 2) as subject_key) as shown
    join monitoring.subjects as s
      on s.target_id = last.target_id and s.collector_id = c.collector_id and s.subject_key = shown.subject_key
    where e.version is not null and part.shown = 1 and part.subject like '=%'
    union all
    select s.subject_key, s.labels, s.texts
    from monitoring.subjects as s
    where e.version is null and s.target_id = last.target_id and s.collector_id = c.collector_id and s.gone_at is null
  ) as s
) as names on true
where last.collector = any ($1::text[]) and t.enabled and state.up
  and status.last_success_at > now() - greatest($2::int8, 5 * coalesce(c.custom_interval_seconds, c.interval_seconds))
    * interval '1 second'
order by t.name, last.collector
