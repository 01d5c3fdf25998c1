-- shows: what a collector saw last of each subject of a target that was there at a moment
--
-- Where every reading is kept, only the last one counts, and only if it is no older than three of its intervals (or than
-- `within`): what is not looked at any more is not known. Where only changes are kept, the last change does, which is a
-- day old at most. Where the samples are gone, the last values of the hour before are taken.
create function monitoring.last_samples(
  of_target int4, of_collector text, at timestamptz, within interval default null
)
  returns table (
    subject_id int8, labels jsonb, texts jsonb, sampled_at timestamptz, numbers int8[], columns text[]
  )
  language sql
  stable
as $function$
  with collector as materialized (
    select k.collector_id, k.columns, k.keeps,
           last_samples.at - case
             when k.keeps = 'changes' then interval '26 hours'
             when last_samples.within is not null then last_samples.within
             else interval '1 minute' + 3 * greatest(
               coalesce(k.custom_interval_seconds, k.interval_seconds, 3600), t.interval_seconds
             ) * interval '1 second'
           end as since
      from monitoring.collectors as k
      join monitoring.targets as t on t.target_id = of_target
     where k.collector = of_collector
  ),
  found as materialized (
    select u.subject_id, u.labels, u.texts, l.sampled_at, l.numbers,
           pg_catalog.max(l.sampled_at) over () as last_at
      from collector as c
      join monitoring.subjects as u on u.target_id = of_target and u.collector_id = c.collector_id
      cross join lateral (
        select s.sampled_at, s."values" as numbers
          from monitoring.samples as s
         where s.subject_id = u.subject_id and s.sampled_at > c.since and s.sampled_at <= last_samples.at
         order by s.sampled_at desc
         limit 1
      ) as l
     where u.gone_at is null or u.gone_at > last_samples.at
  ),
  hourly as (
    select u.subject_id, u.labels, u.texts, l.sampled_at, l.numbers,
           pg_catalog.max(l.sampled_at) over () as last_at
      from collector as c
      join monitoring.subjects as u on u.target_id = of_target and u.collector_id = c.collector_id
      cross join lateral (
        select h.starts_at + interval '1 hour' as sampled_at, h.lasts as numbers
          from monitoring.samples_hourly as h
         where h.subject_id = u.subject_id
           and h.starts_at > least(c.since, last_samples.at - interval '2 hours')
           and h.starts_at <= last_samples.at - interval '1 hour'
         order by h.starts_at desc
         limit 1
      ) as l
     where (u.gone_at is null or u.gone_at > last_samples.at)
       and not exists (select from found)
  )
  select f.subject_id, f.labels, f.texts, f.sampled_at, f.numbers, c.columns
    from (select * from found union all select * from hourly) as f
    cross join collector as c
   where c.keeps = 'changes' or f.sampled_at = f.last_at
$function$;
