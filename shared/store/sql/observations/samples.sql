-- COLLECTOR.COLUMN of every collector that stores samples: the metric of all rules that name one, as the files in
-- sql/metrics/ are of their own. Of a gauge that is stored with changes only, the value before the window goes on in it;
-- of a counter that is, an interval without a sample counted nothing.
select
  span.span, target.target_id, subject.subject_key as subject,
  case
    when subject.subject_key = '' then target.name
    when subject.labels ? 'schema' then (subject.labels ->> 'schema') || '.' || coalesce(
      subject.labels ->> 'index', subject.labels ->> 'sequence', subject.labels ->> 'table', subject.subject_key
    )
    else subject.subject_key
  end as subject_label,
  target.labels || subject.labels as labels,
  used.value, used.samples::int8 as traffic
from (
  select
    span.*, known.collector_id, known.keeps = 'changes' as keeps_changes, column_of.place,
    known.kinds[column_of.place] = 'counter' as is_counter,
    -- How far back the value before the window may be.
    span.ends_at - case
      when known.keeps = 'changes' then interval '26 hours'
      else 3 * greatest(coalesce(known.custom_interval_seconds, known.interval_seconds), 60) * interval '1 second'
    end as carried_from
  from span
  join monitoring.collectors as known using (collector)
  cross join lateral (
    select pg_catalog.array_position(known.columns, pg_catalog.split_part(span.metric, '.', 2)) as place
  ) as column_of
) as span
join target using (collector)
join monitoring.subjects as subject on subject.target_id = target.target_id
  and subject.collector_id = span.collector_id and (subject.gone_at is null or subject.gone_at > span.ends_at)
cross join lateral (
  -- The last of a gauge is one look at the index, where everything else has to read the window.
  (
    select 1::int8 as samples, sample."values"[span.place]::float8 as value
    from monitoring.samples as sample
    where span.aggregate = 'last' and not span.is_counter and sample.subject_id = subject.subject_id
      and sample.sampled_at > least(span.carried_from, span.starts_at) and sample.sampled_at <= span.ends_at
    order by sample.sampled_at desc
    limit 1
  )
  union all
  (
    select
      case when span.is_counter then count(*) else count(part.value) end as samples,
      (case span.aggregate
        when 'last' then (pg_catalog.array_agg(part.value order by part.sampled_at desc))[1]
        when 'avg' then avg(part.value)
        when 'min' then min(part.value)
        when 'max' then max(part.value)
        when 'sum' then coalesce(sum(part.value), case when span.keeps_changes then 0 end)
        when 'rate' then case
          when not span.is_counter then
            (
              (pg_catalog.array_agg(part.value order by part.sampled_at desc))[1]
              - (pg_catalog.array_agg(part.value order by part.sampled_at))[1]
            ) / nullif(pg_catalog.date_part('epoch', max(part.sampled_at) - min(part.sampled_at)), 0)
          when span.keeps_changes then coalesce(sum(part.value), 0) / span.window_seconds
          else sum(part.value) * 1000.0 / nullif(sum(part.interval_ms), 0)
        end
        else pg_catalog.percentile_cont(
          case span.aggregate when 'p50' then 0.5 when 'p95' then 0.95 else 0.99 end
        ) within group (order by part.value::float8) filter (where span.aggregate in ('p50', 'p95', 'p99'))
      end)::float8 as value
    from (
      (
        select sample."values"[span.place] as value, sample.sampled_at, sample.interval_ms
        from monitoring.samples as sample
        where sample.subject_id = subject.subject_id
          and sample.sampled_at > span.starts_at and sample.sampled_at <= span.ends_at
      )
      union all
      (
        select sample."values"[span.place], sample.sampled_at, sample.interval_ms
        from monitoring.samples as sample
        where sample.subject_id = subject.subject_id and not span.is_counter and span.keeps_changes
          and sample.sampled_at > span.carried_from and sample.sampled_at <= span.starts_at
        order by sample.sampled_at desc
        limit 1
      )
    ) as part
    having span.aggregate <> 'last' or span.is_counter
  )
) as used
where used.value is not null
