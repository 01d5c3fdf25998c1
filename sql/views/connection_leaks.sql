-- shows: applications whose connections grow without more work, or that leave transactions open
--
-- `growth`: over the hours of `span` the sessions of one database, user and application grow in a straight line (r² of
-- 0.6 over at least four hours), by five and by a quarter at least, while the transactions of that database grow by less
-- than half of that. What stays of the sessions that were opened in that time is the leak rate (PostgreSQL 14 counts
-- opened sessions; before, it is not known).
-- `idle in transaction`: the oldest one does nothing for more than a minute (info), five (warning), fifteen (critical).
create function monitoring.connection_leaks(
  target text default null,
  at timestamptz default now(),
  span interval default interval '12 hours'
)
  returns table (
    target text, severity text, suspicion text, database text, user_name text, application text, sessions float8,
    sessions_before float8, leaked_per_hour float8, leak_rate_percent float8, work_growth_percent float8,
    hours_until_exhausted float8, oldest_seconds float8, since timestamptz, advice text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $function$
  with watched as (
    select t.target_id, t.name,
           date_trunc('hour', connection_leaks.at, 'UTC') - connection_leaks.span as begins,
           (
             select a.max_connections - a.reserved_connections - a.connections
               from monitoring.activity_samples as a
              where a.target_id = t.target_id
                and a.sampled_at <= connection_leaks.at and a.sampled_at > connection_leaks.at - interval '1 hour'
              order by a.sampled_at desc
              limit 1
           ) as free
      from monitoring.targets as t
     where (connection_leaks.target is null or t.name = connection_leaks.target) and t.enabled
  ),
  counted as (
    select w.target_id, h.hour, h.total, u.labels, max(h.known) over (partition by w.target_id, h.hour) as readings
      from watched as w
      cross join lateral monitoring.sample_hours_between(
        w.target_id, 'connections', 'sessions', w.begins, connection_leaks.at
      ) as h
      join monitoring.subjects as u on u.subject_id = h.subject_id
  ),
  sessions as (
    select target_id, hour, labels ->> 'database' as database, labels ->> 'user_name' as user_name,
           labels ->> 'application' as application, sum(total) / max(readings)::float8 as sessions
      from counted
     where labels ->> 'backend_type' = 'client backend'
     group by target_id, hour, labels ->> 'database', labels ->> 'user_name', labels ->> 'application'
  ),
  work as (
    select w.target_id, h.database,
           100 * (
             avg(h.transactions) filter (where h.hour >= connection_leaks.at - connection_leaks.span / 3)
             / nullif(avg(h.transactions) filter (where h.hour < connection_leaks.at - connection_leaks.span * 2 / 3), 0)
             - 1
           ) as growth_percent
      from watched as w
      -- The hour that is going on has not had all of its transactions.
      cross join lateral monitoring.database_hours_between(
        w.target_id, w.begins, date_trunc('hour', connection_leaks.at, 'UTC')
      ) as h
     group by w.target_id, h.database
  ),
  opened as (
    select w.target_id, u.labels ->> 'database' as database, sum(h.total) as sessions
      from watched as w
      cross join lateral monitoring.sample_hours_between(
        w.target_id, 'database_sessions', 'sessions', w.begins, connection_leaks.at
      ) as h
      join monitoring.subjects as u on u.subject_id = h.subject_id
     group by w.target_id, u.labels ->> 'database'
  ),
  lines as (
    select target_id, database, user_name, application, count(*) as hours, min(hour) as since,
           regr_slope(sessions, extract(epoch from hour) / 3600) as per_hour,
           regr_r2(sessions, extract(epoch from hour) / 3600) as straightness,
           (array_agg(sessions order by hour desc))[1] as last, (array_agg(sessions order by hour))[1] as first,
           100 * (
             avg(sessions) filter (where hour >= connection_leaks.at - connection_leaks.span / 3)
             / nullif(avg(sessions) filter (where hour < connection_leaks.at - connection_leaks.span * 2 / 3), 0) - 1
           ) as growth_percent
      from sessions
     group by target_id, database, user_name, application
  ),
  growing as (
    select l.*, w.name, w.free, o.sessions as opened, k.growth_percent as work_percent
      from lines as l
      join watched as w using (target_id)
      left join work as k on k.target_id = l.target_id and k.database = l.database
      left join opened as o on o.target_id = l.target_id and o.database = l.database
     where l.hours >= 4 and l.per_hour > 0 and l.straightness >= 0.6
       and l.last >= l.first + 5 and l.last >= l.first * 1.25
       and coalesce(k.growth_percent, 0) * 2 < coalesce(l.growth_percent, 100)
  ),
  idle as (
    select w.name, l.labels ->> 'database' as database, l.labels ->> 'user_name' as user_name,
           l.labels ->> 'application' as application,
           sum(monitoring.number_of(l.numbers, l.columns, 'sessions')) as sessions,
           max(monitoring.number_of(l.numbers, l.columns, 'oldest_state_ms')) / 1000.0 as seconds, l.sampled_at
      from watched as w
      cross join lateral monitoring.last_samples(w.target_id, 'connections', connection_leaks.at) as l
     where l.labels ->> 'state' like 'idle in transaction%'
     group by w.name, l.labels ->> 'database', l.labels ->> 'user_name', l.labels ->> 'application', l.sampled_at
    having max(monitoring.number_of(l.numbers, l.columns, 'oldest_state_ms')) >= 60000
  ),
  suspects as (
    select g.name, case when g.free / g.per_hour < 24 then 3 else 2 end as rank, 'growth' as suspicion, g.database,
           g.user_name, g.application, g.last as sessions, g.first as sessions_before, g.per_hour,
           100 * (g.last - g.first) / nullif(g.opened, 0)::float8 as leak_rate, g.work_percent,
           g.free / g.per_hour as hours_left, null::float8 as seconds, g.since,
           'it opens connections and does not give them back: look for a path that leaves without closing, mostly that of '
           'an error, and set a maximum size and an idle timeout of its pool. '
           'alter role ' || quote_ident(g.user_name) || ' connection limit ' || ceil(g.first * 2)::int8
           || ' keeps the damage to itself; PostgreSQL 14 ends idle ones by idle_session_timeout' as advice
      from growing as g
    union all
    select i.name, case when i.seconds >= 900 then 3 when i.seconds >= 300 then 2 else 1 end, 'idle in transaction',
           i.database, i.user_name, i.application, i.sessions, null, null, null, null, null, i.seconds,
           i.sampled_at - i.seconds * interval '1 second',
           'it waits with a transaction open: commit before anything slow, such as a call to another service. '
           'alter role ' || quote_ident(i.user_name) || ' set idle_in_transaction_session_timeout = ''1min'''
      from idle as i
  )
  select s.name, (array['ok', 'info', 'warning', 'critical'])[1 + s.rank], s.suspicion, s.database, s.user_name,
         s.application, s.sessions::float8, s.sessions_before::float8, s.per_hour::float8, s.leak_rate::float8,
         s.work_percent::float8, s.hours_left::float8, s.seconds::float8, s.since, s.advice
    from suspects as s
   order by s.rank desc, s.sessions desc, s.name, s.application
$function$;
