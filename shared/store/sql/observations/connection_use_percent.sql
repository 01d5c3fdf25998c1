-- The highest share of the connections that ordinary logins may use, over the window of each enabled rule, per target.
-- A target without samples in the window is reported as no_data if an alert is open for it.
select
  r.rule_id::text as rule_id, t.target_id::int8 as target_id, ''::text as subject, t.name::text as subject_label,
  null::text as database, null::text as user_name, used.percent::float8 as value, used.samples::int8 as traffic,
  (case when used.samples > 0 then 'measured' else 'no_data' end)::text as condition
from monitoring.rules as r
cross join monitoring.targets as t
cross join lateral (
  select
    count(*) as samples,
    max(100.0 * sample.connections / (sample.max_connections - sample.reserved_connections)) as percent
  from monitoring.activity_samples as sample
  where sample.target_id = t.target_id
    and sample.sampled_at > now() - r.window_seconds * interval '1 second' and sample.sampled_at <= now()
) as used
where r.enabled and r.metric = 'connection_use_percent' and t.enabled
  and (
    used.samples > 0
    or exists (
      select 1 from monitoring.alerts as a
      where a.rule_id = r.rule_id and a.target_id = t.target_id and a.subject = '' and a.state <> 'resolved'
    )
  )
