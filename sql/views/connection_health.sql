-- shows: client connections against what the server allows, and when they run out at the present growth
--
-- Capacity is max_connections without what is reserved for superusers. The growth is the slope of a straight line through
-- the hourly means of the last `span`; it counts only if the line explains most of what it goes through (r² of 0.5).
-- 70 % used is info, 85 % warning, 95 % critical; so is exhaustion within a week, a day, an hour; so are transactions
-- that do nothing for 1, 5 and 15 minutes.
create function monitoring.connection_health(
  target text default null,
  at timestamptz default now(),
  span interval default interval '6 hours'
)
  returns table (
    target text, severity text, used_percent float8, connections int8, capacity int8, active int8, idle int8,
    idle_in_transaction int8, waiting_on_lock int8, oldest_idle_in_transaction_seconds float8,
    longest_transaction_seconds float8, growth_per_hour float8, hours_until_exhausted float8, sampled_at timestamptz,
    advice text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $function$
  with seen as (
    select t.target_id, t.name, s.*,
           s.max_connections - s.reserved_connections as capacity,
           100.0 * s.connections / (s.max_connections - s.reserved_connections) as used_percent,
           s.oldest_idle_in_transaction_ms / 1000.0 as idle_seconds,
           s.sampled_at > connection_health.at - interval '1 minute' - 3 * t.interval_seconds * interval '1 second' as fresh
      from monitoring.targets as t
      left join lateral (
        select a.sampled_at, a.connections, a.max_connections, a.reserved_connections, a.active, a.idle,
               a.idle_in_transaction, a.idle_in_transaction_aborted, a.waiting_on_lock, a.longest_transaction_ms,
               a.oldest_idle_in_transaction_ms
          from monitoring.activity_samples as a
         where a.target_id = t.target_id
           and a.sampled_at <= connection_health.at and a.sampled_at > connection_health.at - interval '1 day'
         order by a.sampled_at desc
         limit 1
      ) as s on true
     where (connection_health.target is null or t.name = connection_health.target) and t.enabled and t.kind = 'postgres'
       and t.created_at <= connection_health.at
  ),
  trend as (
    select s.target_id,
           case
             when count(*) >= 3
               and regr_r2(h.connections_mean, extract(epoch from h.hour) / 3600) >= 0.5
               then regr_slope(h.connections_mean, extract(epoch from h.hour) / 3600)
           end as per_hour
      from seen as s
      cross join lateral monitoring.activity_hours_between(
        s.target_id, connection_health.at - connection_health.span, connection_health.at
      ) as h
     group by s.target_id
  ),
  judged as (
    select s.*, r.per_hour,
           case when r.per_hour > 0 then greatest(0, s.capacity - s.connections) / r.per_hour end as hours_left
      from seen as s
      left join trend as r using (target_id)
  ),
  ranked as (
    select j.*,
           case when used_percent >= 95 then 3 when used_percent >= 85 then 2 when used_percent >= 70 then 1 else 0 end
             as of_use,
           case when hours_left < 1 then 3 when hours_left < 24 then 2 when hours_left < 168 then 1 else 0 end
             as of_growth,
           case when idle_seconds >= 900 then 3 when idle_seconds >= 300 then 2 when idle_seconds >= 60 then 1 else 0 end
             as of_idle
      from judged as j
  )
  select r.name,
         case
           when r.fresh then (array['ok', 'info', 'warning', 'critical'])[1 + greatest(of_use, of_growth, of_idle)]
           else 'unknown'
         end,
         r.used_percent::float8, r.connections::int8, r.capacity::int8, r.active::int8, r.idle::int8,
         (r.idle_in_transaction + r.idle_in_transaction_aborted)::int8, r.waiting_on_lock::int8,
         r.idle_seconds::float8, r.longest_transaction_ms / 1000.0::float8, r.per_hour::float8, r.hours_left::float8,
         r.sampled_at,
         case
           when r.fresh is not true then 'the connections were not seen at that time: pgvitals doctor ' || r.name
           else nullif(concat_ws(
             '. ',
             case when of_use > 0 or of_growth > 0 then
               'see connection_leaks for who takes them; a pooler such as PgBouncer in transaction mode needs far fewer; '
               'alter system set max_connections = ' || r.capacity * 2 || ' needs a restart and memory'
             end,
             case when of_idle > 0 then
               'a transaction does nothing and keeps its locks: select pid, usename, application_name, xact_start from '
               'pg_stat_activity where state like ''idle in transaction%'' order by xact_start; end one by '
               'select pg_terminate_backend(PID); prevent it by alter role NAME set idle_in_transaction_session_timeout '
               '= ''1min'''
             end
           ), '')
         end
    from ranked as r
   order by greatest(of_use, of_growth, of_idle) desc, r.used_percent desc nulls first, r.name
$function$;
