-- shows: who writes temporary files because work_mem is too small: databases, and the statements behind it
--
-- A gigabyte an hour is info, ten are a warning, a hundred critical. A statement is told of when it writes a percent of
-- what its target writes, and 10 MB an hour.
create function monitoring.temp_file_use(
  target text default null,
  at timestamptz default now(),
  span interval default interval '24 hours'
)
  returns table (
    target text, severity text, what text, database text, bytes_per_hour float8, bytes_per_hour_before float8,
    files int8, bytes_per_call float8, calls int8, query_id int8, query text, advice text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $function$
  with watched as (
    select t.target_id, t.name, temp_file_use.at - temp_file_use.span as begins,
           extract(epoch from temp_file_use.span) / 3600 as hours
      from monitoring.targets as t
     where (temp_file_use.target is null or t.name = temp_file_use.target) and t.enabled
  ),
  databases as (
    select w.name, h.database,
           sum(h.temp_bytes) filter (where h.hour >= w.begins) * 3600000.0
             / nullif(sum(h.measured_ms) filter (where h.hour >= w.begins), 0) as per_hour,
           sum(h.temp_bytes) filter (where h.hour < w.begins) * 3600000.0
             / nullif(sum(h.measured_ms) filter (where h.hour < w.begins), 0) as before,
           sum(h.temp_files) filter (where h.hour >= w.begins) as files
      from watched as w
      cross join lateral monitoring.database_hours_between(
        w.target_id, w.begins - temp_file_use.span, temp_file_use.at
      ) as h
     group by w.name, h.database
  ),
  statements as (
    select w.name, w.hours, h.statement_id, sum(h.temp_blocks) as blocks, sum(h.calls) as calls,
           sum(sum(h.temp_blocks)) over (partition by w.name) as all_blocks
      from watched as w
      cross join lateral monitoring.statement_hours_between(w.target_id, w.begins, temp_file_use.at) as h
     where h.temp_blocks > 0
     group by w.name, w.hours, h.statement_id
  ),
  found as (
    select d.name, 'database' as what, d.database, d.per_hour::float8, d.before::float8, d.files, null::float8 as per_call,
           null::int8 as calls, null::int8 as query_id, null::text as query
      from databases as d
     where d.per_hour > 0
    union all
    select s.name, 'statement', k.database, s.blocks * 8192.0 / s.hours, null, null, s.blocks * 8192.0 / s.calls,
           s.calls, k.query_id, k.query
      from statements as s
      join monitoring.statements as k using (statement_id)
     where s.blocks * 100 >= s.all_blocks and s.blocks * 8192 >= s.hours * 10485760
  )
  select f.name,
         case
           when f.per_hour >= 107374182400 then 'critical' when f.per_hour >= 10737418240 then 'warning'
           when f.per_hour >= 1073741824 then 'info' else 'ok'
         end,
         f.what, f.database, f.per_hour, f.before, f.files::int8, f.per_call, f.calls::int8, f.query_id, f.query,
         case
           when f.what = 'statement' then
             'it reads and writes that much beside memory with each call: an index may spare the sort or the hash; or give '
             'it memory: set local work_mem = '''
             -- What is on disk takes about twice as much in memory; it was written and read again.
             || greatest(8, ceil(least(f.per_call, 1073741824) / 1048576))::int8 || 'MB'' in its transaction'
           when f.per_hour >= 1073741824 then
             'see its statements here; alter database ' || quote_ident(f.database)
             || ' set work_mem = ''64MB'' where there is memory for it: it counts for each sort of each connection'
         end
    from found as f
   order by f.per_hour desc, f.name, f.what
$function$;
