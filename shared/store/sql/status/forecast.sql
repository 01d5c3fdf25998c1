-- What the samples of each target will take at their present rate and with the present retention: rows a day, as counted
-- by the roll-ups of the last 24 hours, times the bytes of a row, times the days they are kept. A row has its share of the
-- table and its indexes as they are now; while a table of roll-ups is small, and mostly empty pages, what the target's rows
-- of the last 24 hours measure.
with size as (
  -- Partitions without rows are made ahead and cost a row nothing. What the last analyze or vacuum counted on the pages that
  -- it saw is true of those that came since; what the statistics count may count twice what came in beside an analyze.
  select t.table_name, sum(live.rows) as rows,
    (sum(pg_catalog.pg_total_relation_size(c.oid)) / sum(live.rows))::float8 as bytes_per_row
  from monitoring.partitioned_tables as t
  join pg_catalog.pg_inherits as link
    on link.inhparent = pg_catalog.to_regclass('monitoring.' || pg_catalog.quote_ident(t.table_name))
  join pg_catalog.pg_class as c on c.oid = link.inhrelid
  cross join lateral (
    select case
      when c.reltuples > 0 and c.relpages > 0
        then c.reltuples / c.relpages * pg_catalog.pg_relation_size(c.oid)
          / pg_catalog.current_setting('block_size')::int8
      else pg_catalog.pg_stat_get_live_tuples(c.oid)
    end as rows
  ) as live
  where t.resolution is not null and live.rows > 0
  group by t.table_name
),
hour as (
  select h.target_id, 'samples' as sample_table, h.collector_id, h.subject_id::text as subject, h.starts_at, h.samples,
    pg_catalog.pg_column_size(h.*) as width
  from monitoring.samples_hourly as h
  where h.starts_at >= now() - interval '26 hours'
  union all
  select h.target_id, 'statement_samples', null, h.statement_id::text, h.starts_at, h.samples, pg_catalog.pg_column_size(h.*)
  from monitoring.statement_samples_hourly as h
  where h.starts_at >= now() - interval '26 hours'
  union all
  select h.target_id, 'activity_samples', null, '', h.starts_at, h.samples, pg_catalog.pg_column_size(h.*)
  from monitoring.activity_samples_hourly as h
  where h.starts_at >= now() - interval '26 hours'
  union all
  select h.target_id, 'database_samples', null, h.database, h.starts_at, h.samples, pg_catalog.pg_column_size(h.*)
  from monitoring.database_samples_hourly as h
  where h.starts_at >= now() - interval '26 hours'
),
measured as (
  -- Up to where all four tables are rolled up.
  select p.target_id, min(p.rolled_to) as until,
    greatest(
      min(p.rolled_to) - interval '24 hours',
      (select min(hour.starts_at) from hour where hour.target_id = p.target_id)
    ) as since
  from monitoring.roll_up_progress as p
  where p.resolution = 'hourly'
  group by p.target_id
),
rate as (
  select hour.target_id, hour.sample_table, hour.collector_id,
    sum(hour.samples)::float8 / m.days as raw,
    count(*)::float8 / m.days as hourly,
    -- Subjects come again every day.
    (count(distinct hour.subject))::float8 as daily,
    -- With its pointer in the page.
    (avg(hour.width) + 4)::float8 as width
  from hour
  join (
    select target_id, since, until, (extract(epoch from until - since) / 86400)::float8 as days
    from measured where until > since
  ) as m on m.target_id = hour.target_id and hour.starts_at >= m.since and hour.starts_at < m.until
  group by hour.target_id, hour.sample_table, hour.collector_id, m.days
),
kept as (
  select rate.target_id, t.resolution,
    case t.resolution when 'raw' then rate.raw when 'hourly' then rate.hourly else rate.daily end as rows_per_day,
    case t.resolution when 'raw' then rate.raw end as samples_per_day,
    case
      when t.resolution = 'raw' or size.rows >= 1000 then size.bytes_per_row
      -- A day has the shape of an hour. An entry of an index takes 32 bytes.
      else rate.width + 32 * (
        select count(*) from pg_catalog.pg_index as i
        where i.indrelid = pg_catalog.to_regclass('monitoring.' || pg_catalog.quote_ident(t.table_name))
      )
    end as bytes_per_row,
    -- A partition is dropped when all of it has had its day: half of one is there on average.
    (extract(epoch from
      case t.resolution when 'raw' then r.raw when 'hourly' then r.hourly else r.daily end + t.step / 2
    ) / 86400)::float8 as days
  from rate
  join monitoring.partitioned_tables as t on t.sample_table = rate.sample_table
  left join monitoring.collectors as c on c.collector_id = rate.collector_id
  cross join lateral monitoring.retention_of(coalesce(c.collector, t.collector)) as r
  left join size on size.table_name = t.table_name
),
forecast as (
  select kept.target_id,
    sum(kept.samples_per_day) as samples_per_day,
    sum(kept.rows_per_day * kept.bytes_per_row * kept.days) filter (where kept.resolution = 'raw') as raw_bytes,
    sum(kept.rows_per_day * kept.bytes_per_row * kept.days) filter (where kept.resolution = 'hourly') as hourly_bytes,
    sum(kept.rows_per_day * kept.bytes_per_row * kept.days) filter (where kept.resolution = 'daily') as daily_bytes
  from kept
  group by kept.target_id
)
select
  t.name::text as target,
  (extract(epoch from m.until - m.since) / 3600)::float8 as measured_hours,
  f.samples_per_day::float8 as samples_per_day,
  f.raw_bytes::float8 as raw_bytes,
  f.hourly_bytes::float8 as hourly_bytes,
  f.daily_bytes::float8 as daily_bytes
from monitoring.targets as t
left join forecast as f on f.target_id = t.target_id
left join measured as m on m.target_id = t.target_id and m.until > m.since
order by f.raw_bytes + f.hourly_bytes + f.daily_bytes desc nulls last, t.name
