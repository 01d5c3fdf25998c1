-- shows: connections, shared buffers, temporary files, WAL, checkpoints and disk against their capacity, and when to scale
--
-- One row for each resource of a target. `urgency` says by when something has to be done: now, within a week, within a
-- month, or none. Where the server does not know a capacity (of the disk) there is a rate instead of a share.
create function monitoring.resource_use(
  target text default null,
  at timestamptz default now(),
  span interval default interval '24 hours'
)
  returns table (
    target text, severity text, resource text, urgency text, used_percent float8, used float8, capacity float8,
    unit text, growth_per_day float8, days_until_full float8, advice text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $function$
  with watched as (
    select t.target_id, t.name, resource_use.at - resource_use.span as begins from monitoring.targets as t
     where (resource_use.target is null or t.name = resource_use.target) and t.enabled
  ),
  settings as materialized (
    select w.target_id, l.labels ->> 'setting' as setting,
           case when l.texts ->> 'value' ~ '^[0-9]+$' then (l.texts ->> 'value')::float8 end
             * case l.labels ->> 'unit'
                 when '8kB' then 8192 when 'kB' then 1024 when 'MB' then 1048576 when 'ms' then 0.001 when 'min' then 60
                 else 1
               end as value
      from watched as w
      join monitoring.collectors as c on c.collector = 'settings'
      join monitoring.subjects as l on l.target_id = w.target_id and l.collector_id = c.collector_id
     where l.labels ->> 'setting' in ('shared_buffers', 'max_wal_size', 'checkpoint_timeout', 'temp_file_limit')
  ),
  connections as (
    select w.target_id, w.name, max(a.connections_max) as used, max(a.capacity) as capacity,
           case
             when count(*) >= 6 and regr_r2(a.connections_max, extract(epoch from a.hour)) >= 0.5
               then regr_slope(a.connections_max, extract(epoch from a.hour) / 86400)
           end as per_day
      from watched as w
      cross join lateral monitoring.activity_hours_between(w.target_id, w.begins, resource_use.at) as a
     group by w.target_id, w.name
  ),
  blocks as (
    select w.target_id, w.name, sum(d.blocks_hit) as hit, sum(d.blocks_hit + d.blocks_read) as all_blocks,
           sum(d.temp_bytes) as temp_bytes, max(s.value) as buffers
      from watched as w
      cross join lateral monitoring.database_hours_between(w.target_id, w.begins, resource_use.at) as d
      left join settings as s on s.target_id = w.target_id and s.setting = 'shared_buffers'
     group by w.target_id, w.name
  ),
  buffers as (
    select w.target_id, monitoring.number_of(l.numbers, l.columns, 'used') as used,
           monitoring.number_of(l.numbers, l.columns, 'unused') as unused
      from watched as w
      cross join lateral monitoring.last_samples(w.target_id, 'buffer_cache', resource_use.at) as l
  ),
  sizes as (
    select w.target_id, w.name, d.days, sum(monitoring.number_of(l.numbers, l.columns, 'size_bytes')) as bytes
      from watched as w
      cross join (values (0), (7)) as d (days)
      cross join lateral monitoring.last_samples(
        w.target_id, 'database_sizes', resource_use.at - d.days * interval '1 day', interval '1 day'
      ) as l
     group by w.target_id, w.name, d.days
  ),
  disk as (
    select n.target_id, n.name, n.bytes, (n.bytes - p.bytes) / 7.0 as per_day
      from sizes as n
      left join sizes as p on p.target_id = n.target_id and p.days = 7
     where n.days = 0
  ),
  wal as (
    select w.target_id, w.name, sum(h.total) as bytes, sum(h.measured_ms) / 1000.0 as seconds
      from watched as w
      cross join lateral monitoring.sample_hours_between(
        w.target_id, 'wal', 'position_bytes', w.begins, resource_use.at
      ) as h
     group by w.target_id, w.name
  ),
  checkpoints as (
    select w.target_id, w.name, sum(t.total) as timed, sum(q.total) as requested
      from watched as w
      cross join lateral monitoring.sample_hours_between(
        w.target_id, 'checkpoints', 'timed', w.begins, resource_use.at
      ) as t
      join lateral monitoring.sample_hours_between(
        w.target_id, 'checkpoints', 'requested', w.begins, resource_use.at
      ) as q on q.subject_id = t.subject_id and q.hour = t.hour
     group by w.target_id, w.name
  ),
  measured as (
    select c.name, 'connections' as resource, 100.0 * c.used / c.capacity as percent, c.used::float8 as used,
           c.capacity::float8 as capacity, 'connections' as unit, c.per_day::float8 as per_day,
           case when c.per_day > 0 then greatest(0, c.capacity - c.used) / c.per_day end as days_left,
           case when c.used >= c.capacity * 0.95 then 3 when c.used >= c.capacity * 0.85 then 2
             when c.used >= c.capacity * 0.7 then 1 else 0 end as rank,
           'put a pooler in front, or raise max_connections; see connection_leaks first' as advice
      from connections as c
    union all
    select b.name, 'cache hits', 100.0 * b.hit / nullif(b.all_blocks, 0), b.hit, b.all_blocks, 'blocks', null, null,
           case when b.all_blocks < 10000 then 0 when b.hit < b.all_blocks * 0.9 then 2
             when b.hit < b.all_blocks * 0.95 then 1 else 0 end,
           'what is read does not fit into shared_buffers (' || coalesce(pg_size_pretty(b.buffers::int8), 'not known')
           || '): look for scans that an index would spare (new_sequential_scans, index_usage), then give it up to a '
           || 'quarter of the memory: alter system set shared_buffers'
      from blocks as b
    union all
    select w.name, 'shared buffers', 100.0 * b.used / nullif(b.used + b.unused, 0), b.used * 8192.0,
           (b.used + b.unused) * 8192.0, 'bytes', null, null, 0, null
      from buffers as b
      join watched as w using (target_id)
    union all
    select b.name, 'temporary files', null, b.temp_bytes / (extract(epoch from resource_use.span) / 3600), null,
           'bytes an hour', null, null,
           case when b.temp_bytes / (extract(epoch from resource_use.span) / 3600) >= 10737418240 then 2
             when b.temp_bytes / (extract(epoch from resource_use.span) / 3600) >= 1073741824 then 1 else 0 end,
           'see temp_file_use for the statements'
      from blocks as b
    union all
    select d.name, 'disk', null, d.bytes, null, 'bytes', d.per_day, null,
           case when d.per_day * 7 > d.bytes * 0.2 then 2 when d.per_day * 30 > d.bytes * 0.2 then 1 else 0 end,
           'at this rate there are ' || pg_size_pretty((d.per_day * 30)::numeric)
           || ' more in a month: compare with the free space of the disk, which the server does not know; see growth'
      from disk as d
    union all
    -- What is written between two checkpoints by time has to fit into max_wal_size, or they come early.
    select w.name, 'WAL', 100 * w.bytes / nullif(w.seconds, 0) * t.value / m.value,
           w.bytes / nullif(w.seconds, 0) * t.value, m.value, 'bytes a checkpoint', null, null,
           case when w.bytes / nullif(w.seconds, 0) * t.value > m.value then 1 else 0 end,
           'more is written within checkpoint_timeout than max_wal_size holds: alter system set max_wal_size = '''
           || ceil(w.bytes / nullif(w.seconds, 0) * t.value * 2 / 1073741824)::int8 || 'GB'''
      from wal as w
      left join settings as t on t.target_id = w.target_id and t.setting = 'checkpoint_timeout'
      left join settings as m on m.target_id = w.target_id and m.setting = 'max_wal_size'
     where w.seconds > 0
    union all
    select c.name, 'forced checkpoints', 100.0 * c.requested / nullif(c.requested + c.timed, 0), c.requested,
           c.requested + c.timed, 'checkpoints', null, null,
           case when c.requested + c.timed < 6 then 0 when c.requested > c.timed then 2
             when c.requested * 4 > c.timed then 1 else 0 end,
           'checkpoints come before their time because max_wal_size is used up: raise it, each of them writes whole pages '
           'again and slows everybody down'
      from checkpoints as c
  ),
  ranked as (
    select m.*,
           greatest(m.rank, case when m.days_left < 7 then 2 when m.days_left < 30 then 1 else 0 end) as worst
      from measured as m
     where m.used is not null
  )
  select r.name, (array['ok', 'info', 'warning', 'critical'])[1 + r.worst], r.resource,
         case
           when r.worst = 3 or r.days_left < 1 then 'now'
           when r.worst = 2 then 'within a week'
           when r.worst = 1 then 'within a month'
           else 'none'
         end,
         r.percent::float8, r.used::float8, r.capacity::float8, r.unit, r.per_day::float8, r.days_left::float8,
         case when r.worst > 0 then r.advice end
    from ranked as r
   order by r.worst desc, r.name, r.resource
$function$;
