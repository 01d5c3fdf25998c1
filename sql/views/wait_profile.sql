-- shows: what sessions at work wait for, hour by hour, as average active sessions
--
-- Every reading counts the sessions at work by what they wait for; their number over the readings of an hour is how many
-- sessions did that on average (`CPU`: they ran). Lock waits of one session on average are a warning, of five critical;
-- of other waits (but for CPU) info, when they are half of all of the work of two sessions.
create function monitoring.wait_profile(
  target text default null,
  at timestamptz default now(),
  span interval default interval '6 hours'
)
  returns table (
    target text, severity text, hour timestamptz, wait_event_type text, wait_event text,
    average_active_sessions float8, share_percent float8, peak_sessions int8, advice text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $function$
  with watched as (
    select t.target_id, t.name, date_trunc('hour', wait_profile.at - wait_profile.span, 'UTC') as begins,
           greatest(t.interval_seconds, coalesce(c.custom_interval_seconds, c.interval_seconds, 15)) as every_seconds
      from monitoring.targets as t
      cross join monitoring.collectors as c
     where (wait_profile.target is null or t.name = wait_profile.target) and t.enabled and c.collector = 'waits'
  ),
  -- An hour in which nobody waited has no samples of waits, but of the activity.
  readings as (
    select w.target_id, a.hour,
           least(
             a.samples,
             extract(epoch from least(a.hour + interval '1 hour', wait_profile.at) - a.hour) / w.every_seconds
           ) as readings
      from watched as w
      cross join lateral monitoring.activity_hours_between(w.target_id, w.begins, wait_profile.at) as a
  ),
  waits as (
    select w.target_id, w.name, h.hour, u.labels ->> 'wait_event_type' as type, u.labels ->> 'wait_event' as event,
           sum(h.total) as sessions, max(h.known) as known, max(h.maximum) as peak
      from watched as w
      cross join lateral monitoring.sample_hours_between(
        w.target_id, 'waits', 'sessions', w.begins, wait_profile.at
      ) as h
      join monitoring.subjects as u on u.subject_id = h.subject_id
     group by w.target_id, w.name, h.hour, u.labels ->> 'wait_event_type', u.labels ->> 'wait_event'
  ),
  averages as (
    select s.*, s.sessions / greatest(r.readings, max(s.known) over (partition by s.target_id, s.hour), 1) as average,
           100 * s.sessions / nullif(sum(s.sessions) over (partition by s.target_id, s.hour), 0) as percent
      from waits as s
      left join readings as r on r.target_id = s.target_id and r.hour = s.hour
  ),
  judged as (
    select a.*,
           case
             when type = 'Lock' and average >= 5 then 3
             when type = 'Lock' and average >= 1 then 2
             when type not in ('CPU', 'Client', 'Timeout') and percent >= 50 and average >= 1 then 1
             else 0
           end as rank
      from averages as a
  )
  select j.name, (array['ok', 'info', 'warning', 'critical'])[1 + j.rank], j.hour, j.type, j.event, j.average::float8,
         j.percent::float8, j.peak,
         case when j.rank > 0 then
           case j.type
             when 'Lock' then 'sessions wait for each other: see blocking for who holds what'
             when 'IO' then 'the work waits for the disk: see resource_use for the cache, and the statements that read most'
             when 'LWLock' then 'sessions are in each other''s way within the server: fewer connections by a pooler help most'
             when 'IPC' then 'parallel workers, replicas or backends wait for each other: see replicas for synchronous ones'
             else 'see what statements run then: slow_statements'
           end
         end
    from judged as j
   order by j.hour desc, j.average desc, j.name, j.type, j.event
$function$;
