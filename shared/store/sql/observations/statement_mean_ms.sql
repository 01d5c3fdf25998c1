-- The mean time of statements of each enabled target over the window of each enabled rule, in milliseconds: of those
-- beyond the mildest threshold and of those that an alert is open for, because a server has thousands and nothing comes
-- of the others. Statements with too few calls say nothing, unless an alert is open for them: then `value` is null and
-- `condition` says whether the statement rested (idle) or was not watched (no_data).
with rule as (
  select
    r.rule_id, r.window_seconds, r.minimum_traffic, r.comparison, coalesce(r.warning, r.critical, r.emergency) as mildest
  from monitoring.rules as r
  where r.enabled and r.metric = 'statement_mean_ms'
),
total as materialized (
  select span.window_seconds, t.target_id, used.statement_id, used.calls, (used.exec_us / used.calls / 1000)::float8 as mean_ms
  from (select distinct rule.window_seconds from rule) as span
  cross join monitoring.targets as t
  cross join lateral (
    select sample.statement_id, sum(sample.calls) as calls, sum(sample.exec_us) as exec_us
    from monitoring.statement_samples as sample
    where sample.target_id = t.target_id
      and sample.sampled_at > now() - span.window_seconds * interval '1 second' and sample.sampled_at <= now()
    group by sample.statement_id
  ) as used
  where t.enabled and used.calls > 0
),
measured as (
  select
    rule.rule_id, total.target_id, known.statement_key as subject,
    coalesce(known.query, 'statement ' || known.query_id::text) as subject_label,
    known.database, known.user_name,
    total.mean_ms as value,
    total.calls::int8 as traffic
  from rule
  join total on total.window_seconds = rule.window_seconds and total.calls >= rule.minimum_traffic
  join monitoring.statements as known on known.statement_id = total.statement_id
  where (known.user_name is null or known.user_name not in ('pgvitals_collector', 'pgvitals_maintenance'))
    and (
      case rule.comparison when 'above' then total.mean_ms > rule.mildest else total.mean_ms < rule.mildest end
      or exists (
        select 1 from monitoring.alerts as a
        where a.rule_id = rule.rule_id and a.target_id = total.target_id and a.subject = known.statement_key
          and a.state <> 'resolved'
      )
    )
),
silent as (
  select
    a.rule_id, a.target_id, a.subject, a.subject_label,
    -- Only an interval that was measured within the window can tell that nothing happened in it.
    coalesce(
      status.outcome = 'ok' and status.last_success_at > now() - rule.window_seconds * interval '1 second', false
    ) as watched
  from monitoring.alerts as a
  join rule using (rule_id)
  join monitoring.targets as t on t.target_id = a.target_id and t.enabled
  left join monitoring.collector_status as status on status.target_id = a.target_id and status.collector = 'statements'
  where a.state <> 'resolved'
    and not exists (
      select 1 from measured
      where measured.rule_id = a.rule_id and measured.target_id = a.target_id and measured.subject = a.subject
    )
)
select
  measured.rule_id::text as rule_id, measured.target_id::int8 as target_id, measured.subject::text as subject,
  measured.subject_label::text as subject_label, measured.database::text as database,
  measured.user_name::text as user_name, measured.value::float8 as value, measured.traffic::int8 as traffic,
  'measured'::text as condition
from measured
union all
select
  silent.rule_id::text, silent.target_id::int8, silent.subject::text, silent.subject_label::text, null::text, null::text,
  null::float8, 0::int8, (case when silent.watched then 'idle' else 'no_data' end)::text
from silent
