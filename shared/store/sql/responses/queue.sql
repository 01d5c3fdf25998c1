-- Queues what the rules of firing alerts ask for: once for each alert, or again when the rule says so and the last one
-- ended long enough ago. Of one that somebody took up they decide themselves. $1 whether all of it is to be a dry run.
insert into monitoring.response_runs (alert_id, target_id, action, arguments, dry_run)
select
  alert.alert_id, alert.target_id, rule.response, rule.response_arguments,
  $1::bool or coalesce((rule.response_arguments ->> 'dry_run')::bool, false)
from monitoring.alerts as alert
join monitoring.rules as rule using (rule_id)
left join lateral (
  select run.state, run.ended_at
  from monitoring.response_runs as run
  where run.alert_id = alert.alert_id
  order by run.run_id desc
  limit 1
) as last on true
where alert.state = 'firing'
  and alert.acknowledged_at is null
  and rule.enabled
  and rule.response is not null
  and pg_catalog.array_position(array['warning', 'critical', 'emergency'], alert.level)
    >= pg_catalog.array_position(array['warning', 'critical', 'emergency'], rule.response_level)
  and (
    last.state is null
    or last.ended_at <= now() - (rule.response_arguments ->> 'repeat_after_seconds')::int8 * interval '1 second'
  )
on conflict (alert_id) where state in ('queued', 'running') do nothing
