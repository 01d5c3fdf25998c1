-- The journal of responses, newest first; $1 how many at most.
select
  run.run_id::int8 as run_id, alert.rule_id::text as rule_id, target.name::text as target,
  alert.subject_label::text as subject_label, run.action::text as action, run.arguments::jsonb as arguments,
  run.dry_run::bool as dry_run, run.state::text as state, (run.queued_at at time zone 'UTC')::timestamp as queued_at,
  (run.started_at at time zone 'UTC')::timestamp as started_at,
  (run.ended_at at time zone 'UTC')::timestamp as ended_at, run.affected::int8 as affected,
  run.result::text as result
from monitoring.response_runs as run
join monitoring.alerts as alert using (alert_id)
join monitoring.targets as target on target.target_id = run.target_id
order by run.run_id desc
limit $1
