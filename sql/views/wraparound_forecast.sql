-- shows: how many days of transaction ids each database has left, at the rate of the last week
--
-- Ids are used up at the rate by which the ages grow between two vacuums that lower them. `days_until_forced_vacuum`:
-- until autovacuum freezes whatever the settings say; `days_until_stop`: until the server takes no more writes, if nothing
-- is frozen until then. Half of all ids used is a warning, three quarters critical; so are 30 and 7 days left; an age a
-- tenth (a quarter) over the forced vacuum says that it does not come through.
create function monitoring.wraparound_forecast(
  target text default null,
  at timestamptz default now(),
  span interval default interval '7 days'
)
  returns table (
    target text, severity text, database text, ids text, age int8, used_percent float8, left_ids int8,
    used_per_day float8, days_until_forced_vacuum float8, days_until_stop float8, held_by text, held_age int8,
    advice text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $function$
  with watched as (
    select t.target_id, t.name from monitoring.targets as t
     where (wraparound_forecast.target is null or t.name = wraparound_forecast.target) and t.enabled
  ),
  ages as (
    select w.target_id, w.name, l.subject_id, l.labels ->> 'database' as database, k.ids, k.age_column,
           monitoring.number_of(l.numbers, l.columns, k.age_column) as age,
           monitoring.number_of(l.numbers, l.columns, k.left_column) as left_ids,
           monitoring.number_of(l.numbers, l.columns, k.forced_column) as forced
      from watched as w
      cross join lateral monitoring.last_samples(w.target_id, 'wraparound', wraparound_forecast.at) as l
      cross join (
        values ('transactions', 'xid_age_xids', 'left_xids', 'freeze_max_age_xids'),
          ('multixacts', 'multixact_age_mxids', 'left_mxids', 'multixact_freeze_max_age_mxids')
      ) as k (ids, age_column, left_column, forced_column)
  ),
  hours as (
    select w.target_id, k.age_column, h.subject_id, h.hour, h.last,
           h.last - lag(h.last) over (partition by h.subject_id, k.age_column order by h.hour) as used,
           h.hour - lag(h.hour) over (partition by h.subject_id, k.age_column order by h.hour) as took
      from watched as w
      cross join (values ('xid_age_xids'), ('multixact_age_mxids')) as k (age_column)
      cross join lateral monitoring.sample_hours_between(
        w.target_id, 'wraparound', k.age_column, wraparound_forecast.at - wraparound_forecast.span, wraparound_forecast.at
      ) as h
  ),
  rates as (
    select subject_id, age_column,
           -- An hour in which a vacuum lowered the age says nothing about the rate.
           sum(used) filter (where used >= 0) * 86400.0
             / nullif(sum(extract(epoch from took)) filter (where used >= 0), 0) as per_day
      from hours
     group by subject_id, age_column
  ),
  holders as (
    select w.target_id, (array_agg(x.holder order by x.age desc))[1] as holder, max(x.age) as age
      from watched as w
      cross join lateral (
        select concat_ws(' ', l.labels ->> 'holder', l.labels ->> 'name') as holder,
               monitoring.number_of(l.numbers, l.columns, 'age_xids') as age
          from monitoring.last_samples(w.target_id, 'xmin_horizon', wraparound_forecast.at) as l
      ) as x
     where x.age is not null
     group by w.target_id
  ),
  judged as (
    select a.*, r.per_day, h.holder, h.age as held_age,
           100 * a.age / nullif(a.age + a.left_ids, 0)::float8 as used_percent,
           greatest(0, a.forced - a.age) / nullif(r.per_day, 0) as forced_days,
           a.left_ids / nullif(r.per_day, 0) as stop_days
      from ages as a
      left join rates as r on r.subject_id = a.subject_id and r.age_column = a.age_column
      left join holders as h on h.target_id = a.target_id and a.ids = 'transactions'
     where a.age is not null
  ),
  ranked as (
    select j.*,
           greatest(
             case when used_percent >= 75 then 3 when used_percent >= 50 then 2 else 0 end,
             case when stop_days < 7 then 3 when stop_days < 30 then 2 when stop_days < 90 then 1 else 0 end,
             case when age > forced * 1.25 then 2 when age > forced * 1.1 then 1 else 0 end
           ) as rank
      from judged as j
  )
  select r.name, (array['ok', 'info', 'warning', 'critical'])[1 + r.rank], r.database, r.ids, r.age,
         r.used_percent::float8, r.left_ids, r.per_day::float8, r.forced_days::float8, r.stop_days::float8,
         case when r.rank > 0 and r.held_age > r.forced / 10 then r.holder end,
         case when r.rank > 0 and r.held_age > r.forced / 10 then r.held_age end,
         case when r.rank > 0 then
           case when r.held_age > r.forced / 10 then
             'nothing can be frozen while ' || r.holder || ' holds the horizon: end or drop it first. '
           else '' end
           || 'in that database: select oid::regclass, '
           || case r.ids when 'transactions' then 'age(relfrozenxid)' else 'mxid_age(relminmxid)' end
           || ' from pg_class where relkind in (''r'', ''m'', ''t'') order by 2 desc limit 10; then '
           || 'vacuum (freeze, verbose) the oldest; see vacuum_needs'
         end
    from ranked as r
   order by r.rank desc, r.used_percent desc, r.name, r.database, r.ids
$function$;
