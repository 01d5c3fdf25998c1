-- What comes of it, after the question (asked.sql) and with the metric in the place that is marked: what is beyond the
-- mildest threshold of a rule, what an alert is open for or was until lately, and what is not known.
--
-- An open alert whose subject is not measured rests (idle) if it was looked for within the window, and is not known
-- otherwise. A rule on whose target the collector fell silent is not known, under an empty subject.
,
alert as materialized (
  select a.rule_id, a.target_id, a.subject, a.subject_label, a.state <> 'resolved' as is_open
  from monitoring.alerts as a
  join monitoring.rules as r using (rule_id)
  where a.rule_id in (select asked.rule_id from asked where asked.at is null)
    and (a.state <> 'resolved' or a.resolved_at > now() - r.cooldown_seconds * interval '1 second')
),
measured as materialized (
  select
    metric.span, metric.target_id, metric.subject, metric.subject_label,
    metric.labels || pg_catalog.jsonb_build_object('subject', metric.subject) as labels, metric.value, metric.traffic
  from (
    /* the metric */
  ) as metric
  join span as edge using (span)
  where metric.value > edge.above or metric.value < edge.below
    or (metric.target_id, metric.subject) in (select alert.target_id, alert.subject from alert)
),
matter as (
  select asked.rule_id, asked.at, asked.inexact, measured.*, true as counts
  from asked
  join measured on measured.span = asked.span and measured.traffic >= asked.minimum_traffic
    -- The labels are looked at last: they are the dearest to compare, and most values are not beyond most thresholds.
    and case
      when asked.comparison = 'above' and measured.value <= asked.mildest then false
      when asked.comparison = 'below' and measured.value >= asked.mildest then false
      else measured.labels @> asked.exact
    end
  union all
  -- What an alert is open for matters whatever its value. Apart from the others, because those are compared with every
  -- rule that shares their window.
  select asked.rule_id, asked.at, asked.inexact, measured.*, measured.traffic >= asked.minimum_traffic
  from alert
  join asked using (rule_id)
  join measured on measured.span = asked.span and measured.target_id = alert.target_id
    and measured.subject = alert.subject and measured.labels @> asked.exact
  where not (
    measured.traffic >= asked.minimum_traffic
    and case asked.comparison when 'above' then measured.value > asked.mildest else measured.value < asked.mildest end
  )
),
seen as materialized (
  select
    matter.rule_id, matter.at, matter.target_id, matter.subject, matter.subject_label, matter.labels, matter.value,
    matter.traffic, matter.counts
  from matter
  where matter.inexact = '{}'
    or not exists (
      select from pg_catalog.jsonb_each(matter.inexact) as wanted (label, condition)
      where not monitoring.label_fits(matter.labels ->> wanted.label, wanted.condition)
    )
),
unseen as (
  select
    alert.rule_id, alert.target_id, alert.subject, alert.subject_label, reading.labels,
    case
      when asked.collector = '' or reading.outcome = 'skipped' then 'idle'
      -- Only an interval that was measured within the window can tell that nothing happened in it.
      when reading.outcome = 'ok' and not reading.is_stale
        and reading.last_success_at
          > now() - greatest(asked.window_seconds, 2 * reading.interval_seconds) * interval '1 second' then 'idle'
      else 'no_data'
    end as state
  from alert
  join asked using (rule_id)
  join reading on reading.target_id = alert.target_id and reading.collector = asked.collector and reading.is_due
  where alert.is_open
    and not exists (
      select from seen
      where seen.rule_id = alert.rule_id and seen.target_id = alert.target_id and seen.subject = alert.subject
    )
),
unknown as (
  select asked.rule_id, reading.target_id, reading.name, reading.labels
  from asked
  join reading on reading.collector = asked.collector and reading.is_stale
  where asked.at is null
    and not exists (
      select from unseen
      where unseen.rule_id = asked.rule_id and unseen.target_id = reading.target_id and unseen.subject = ''
    )
    and not exists (
      select from pg_catalog.jsonb_each(asked.labels) as wanted (label, condition)
      where reading.labels ? wanted.label
        and not monitoring.label_fits(reading.labels ->> wanted.label, wanted.condition)
    )
)
select
  seen.rule_id::text as rule_id, seen.target_id::int8 as target_id, seen.subject::text as subject,
  seen.subject_label::text as subject_label, seen.labels::jsonb as labels,
  (case when seen.counts then seen.value end)::float8 as value, seen.traffic::int8 as traffic,
  (case when seen.counts then 'value' else 'idle' end)::text as state, (seen.at at time zone 'UTC')::timestamp as at
from seen
union all
select
  unseen.rule_id::text, unseen.target_id::int8, unseen.subject::text, unseen.subject_label::text, unseen.labels::jsonb,
  null::float8, 0::int8, unseen.state::text, null::timestamp
from unseen
union all
select
  unknown.rule_id::text, unknown.target_id::int8, ''::text, unknown.name::text, unknown.labels::jsonb, null::float8,
  0::int8, 'no_data'::text, null::timestamp
from unknown
