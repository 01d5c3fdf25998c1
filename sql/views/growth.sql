-- shows: how databases, tables and the number of calls grow, week over week and month over month
--
-- Sizes are those of `at`, of seven and of thirty days before; calls are those of the seven (thirty) days before the day
-- of `at` against as many days before them. A past that was not seen on every one of its days is not compared with.
-- A size that grew by more than 20 % in a month is info, one that doubled warning; so are calls that grew by more than
-- 50 % in a week, or tripled. Tables below `minimum_bytes` are left out.
create function monitoring.growth(
  target text default null,
  at timestamptz default now(),
  minimum_bytes int8 default 16777216
)
  returns table (
    target text, severity text, what text, subject text, now float8, week_ago float8, month_ago float8,
    week_percent float8, month_percent float8, per_day float8, doubles_in_days float8, unit text, advice text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $function$
  with watched as (
    select t.target_id, t.name, date_trunc('day', growth.at, 'UTC') as today
      from monitoring.targets as t
     where (growth.target is null or t.name = growth.target) and t.enabled
  ),
  sized as (
    select w.target_id, w.name, m.what, m.days, l.subject_id,
           case m.what
             when 'database' then l.labels ->> 'database'
             else coalesce(l.labels ->> 'root', (l.labels ->> 'schema') || '.' || (l.labels ->> 'table'))
           end as subject,
           case m.what
             when 'database' then monitoring.number_of(l.numbers, l.columns, 'size_bytes')
             else monitoring.number_of(l.numbers, l.columns, 'table_bytes')
               + monitoring.number_of(l.numbers, l.columns, 'index_bytes')
           end as bytes
      from watched as w
      cross join (
        select c.*, d.days
          from (values ('database', 'database_sizes'), ('table', 'relation_sizes')) as c (what, collector)
          cross join (values (0), (7), (30)) as d (days)
      ) as m
      cross join lateral monitoring.last_samples(
        w.target_id, m.collector, growth.at - m.days * interval '1 day', interval '1 day'
      ) as l
  ),
  sizes as (
    select name, what, subject, sum(bytes) filter (where days = 0) as current,
           sum(bytes) filter (where days = 7) as week_ago, sum(bytes) filter (where days = 30) as month_ago
      from sized
     group by name, what, subject
    having sum(bytes) filter (where days = 0) >= growth.minimum_bytes
  ),
  called as (
    select w.name, d.database, (extract(epoch from w.today - d.day) / 86400)::int4 as days_ago, d.calls
      from watched as w
      cross join lateral monitoring.statement_days_between(w.target_id, w.today - interval '60 days', w.today) as d
  ),
  covered as (
    select name, days_ago, count(*) over (partition by name, (days_ago - 1) / 7) as of_week,
           count(*) over (partition by name, (days_ago - 1) / 30) as of_month
      from (select distinct name, days_ago from called) as seen
  ),
  calls as (
    select k.name, k.database,
           sum(k.calls) filter (where days_ago between 1 and 7 and of_week = 7) as current,
           sum(k.calls) filter (where days_ago between 8 and 14 and of_week = 7) as week_ago,
           sum(k.calls) filter (where days_ago between 1 and 30 and of_month = 30) as month,
           sum(k.calls) filter (where days_ago between 31 and 60 and of_month = 30) as month_ago
      from called as k
      join covered as c using (name, days_ago)
     group by k.name, k.database
  ),
  compared as (
    select name, what, subject, current::float8, week_ago::float8, month_ago::float8,
           100 * (current / nullif(week_ago, 0)::float8 - 1) as week_percent,
           100 * (current / nullif(month_ago, 0)::float8 - 1) as month_percent,
           coalesce((current - month_ago) / 30.0, (current - week_ago) / 7.0)::float8 as per_day, 'bytes' as unit
      from sizes
    union all
    select name, 'calls', database, current::float8, week_ago::float8, month_ago::float8,
           100 * (current / nullif(week_ago, 0)::float8 - 1), 100 * (month / nullif(month_ago, 0)::float8 - 1),
           ((current - week_ago) / 7.0)::float8, 'calls a week'
      from calls
     where current is not null
  )
  select c.name,
         case
           when c.what = 'calls' and c.week_percent > 200 or c.what <> 'calls' and c.month_percent > 100 then 'warning'
           when c.what = 'calls' and c.week_percent > 50 or c.what <> 'calls' and c.month_percent > 20 then 'info'
           when coalesce(c.week_percent, c.month_percent) is null then 'unknown'
           else 'ok'
         end,
         c.what, c.subject, c.current, c.week_ago, c.month_ago, c.week_percent, c.month_percent, c.per_day,
         case when c.per_day > 0 and c.what <> 'calls' then c.current / c.per_day end, c.unit,
         case
           when coalesce(c.week_percent, c.month_percent) is null then
             'there is nothing to compare with yet: it takes a week of samples'
           when c.what = 'calls' and c.week_percent > 50 then
             'more is asked than a week ago: look for a loop or a retry without an end in what was deployed since'
           when c.what = 'database' and c.month_percent > 20 then
             'see which tables grow; plan the disk for what it will be in a year'
           when c.what = 'table' and c.month_percent > 20 then
             'keep what is needed: partition it by time and drop old partitions, or archive; see bloat, it may be dead rows'
         end
    from compared as c
   order by greatest(c.month_percent, c.week_percent) desc nulls last, c.name, c.what, c.subject
$function$;
