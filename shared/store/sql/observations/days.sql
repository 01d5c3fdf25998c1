-- What comes of it when a rule is to be calibrated, after the question (asked.sql, one moment after another) and with the
-- metric in the place that is marked: the greatest and the least value of each subject on each day (of UTC).
,
measured as materialized (
  select
    metric.span, metric.target_id, metric.subject,
    metric.labels || pg_catalog.jsonb_build_object('subject', metric.subject) as labels, metric.value, metric.traffic
  from (
    /* the metric */
  ) as metric
)
select
  measured.target_id::int8 as target_id, measured.subject::text as subject,
  max(measured.value)::float8 as greatest, min(measured.value)::float8 as least
from asked
join measured using (span)
-- What has no value has no normal: a sequence that was never used, say.
where measured.value is not null and measured.traffic >= asked.minimum_traffic and measured.labels @> asked.exact
  and not exists (
    select from pg_catalog.jsonb_each(asked.inexact) as wanted (label, condition)
    where not monitoring.label_fits(measured.labels ->> wanted.label, wanted.condition)
  )
group by measured.target_id, measured.subject, pg_catalog.date_trunc('day', asked.at, 'UTC')
