-- What is asked of a metric: the common beginning of every question. $1 is a list of objects, one for each rule and
-- moment: {rule_id, metric, collector, aggregate, labels, window_seconds, minimum_traffic, comparison, mildest, at}.
--
-- `span` are the windows that are to be measured, once for all rules that share one; `target` is who can be measured, by
-- collector. A metric (sql/metrics/NAME.sql) is a select from these two, with the columns span, target_id, subject,
-- subject_label, labels, value and traffic. `last_sample` is what many of them begin with.
with asked as materialized (
  select
    asked.*,
    pg_catalog.dense_rank() over (order by asked.metric, asked.aggregate, asked.window_seconds, asked.at) as span
  from (
    select given.rule_id, given.metric, coalesce(given.collector, '') as collector, given.aggregate, given.labels,
      given.window_seconds, given.minimum_traffic, given.comparison, given.mildest, given.at,
      -- The filter in two parts, because what a label is can be told much faster than what it is like.
      coalesce(filter.exact, '{}') as exact, coalesce(filter.inexact, '{}') as inexact
    from pg_catalog.jsonb_to_recordset($1::jsonb) as given (
      rule_id text, metric text, collector text, aggregate text, labels jsonb, window_seconds int8,
      minimum_traffic int8, comparison text, mildest float8, at timestamptz
    )
    cross join lateral (
      select
        pg_catalog.jsonb_object_agg(wanted.label, wanted.condition)
          filter (where pg_catalog.jsonb_typeof(wanted.condition) = 'string') as exact,
        pg_catalog.jsonb_object_agg(wanted.label, wanted.condition)
          filter (where pg_catalog.jsonb_typeof(wanted.condition) <> 'string') as inexact
      from pg_catalog.jsonb_each(given.labels) as wanted (label, condition)
    ) as filter
  ) as asked
),
span as materialized (
  select
    asked.span, asked.metric, asked.collector, asked.aggregate, asked.window_seconds,
    asked.at is null as is_now,
    coalesce(asked.at, now()) - asked.window_seconds * interval '1 second' as starts_at,
    coalesce(asked.at, now()) as ends_at,
    -- Beyond these no rule has anything to say.
    coalesce(min(asked.mildest) filter (where asked.comparison = 'above'), 'infinity') as above,
    coalesce(max(asked.mildest) filter (where asked.comparison = 'below'), '-infinity') as below
  from asked
  group by asked.span, asked.metric, asked.collector, asked.aggregate, asked.window_seconds, asked.at
),
-- How each collector fares on each target. What is read every five minutes or less often is looked at in the three minutes
-- after it was read, and not in every run of the hour until it is read again; what was missed three times is not known.
reading as materialized (
  select
    wanted.collector, t.target_id, t.name, t.database, t.labels, status.outcome, status.last_success_at,
    spacing.seconds as interval_seconds,
    coalesce(status.outcome <> 'skipped' and status.last_success_at <= now() - spacing.patience, false) as is_stale,
    coalesce(
      spacing.seconds < 300 or status.last_success_at > now() - interval '3 minutes'
      or status.last_success_at <= now() - spacing.patience,
      true
    ) as is_due
  from (
    select asked.collector, pg_catalog.bool_or(asked.at is null) as is_now from asked group by asked.collector
  ) as wanted
  cross join (
    select
      target.target_id, target.name, target.interval_seconds, named.database,
      target.labels || pg_catalog.jsonb_build_object('target', target.name, 'database', named.database) as labels
    from monitoring.targets as target
    cross join lateral (
      select pg_catalog.substring(target.address, '^[^:]+://[^/]+/([^/?]+)') as database
    ) as named
    where target.enabled and ($2::int8[] is null or target.target_id = any ($2::int8[]))
  ) as t
  left join monitoring.collectors as known using (collector)
  left join monitoring.collector_status as status
    on status.target_id = t.target_id and status.collector = wanted.collector and wanted.is_now
  cross join lateral (
    select
      paced.seconds, greatest(60, 3 * paced.seconds) * interval '1 second' as patience
    from (
      select greatest(
        coalesce(known.custom_interval_seconds, known.interval_seconds, 15), t.interval_seconds
      ) as seconds
    ) as paced
  ) as spacing
),
target as materialized (
  select reading.collector, reading.target_id, reading.name, reading.database, reading.labels
  from reading
  where reading.is_due and not reading.is_stale
),
-- What each subject was like when it was last read before the end of a window. What is stored with its changes only is
-- stored once a day all the same, so that a day and two hours are far enough back. Made only where a metric asks for it.
last_sample as (
  select
    span.span, span.ends_at, target.target_id, subject.subject_key as subject, target.labels || subject.labels as labels,
    subject.first_seen, known.columns, sample."values" as numbers, sample.sampled_at
  from span
  join target using (collector)
  join monitoring.collectors as known using (collector)
  join monitoring.subjects as subject on subject.target_id = target.target_id
    and subject.collector_id = known.collector_id and (subject.gone_at is null or subject.gone_at > span.ends_at)
  cross join lateral (
    select stored."values", stored.sampled_at
    from monitoring.samples as stored
    where stored.subject_id = subject.subject_id
      and stored.sampled_at > span.ends_at - interval '26 hours' and stored.sampled_at <= span.ends_at
    order by stored.sampled_at desc
    limit 1
  ) as sample
)
