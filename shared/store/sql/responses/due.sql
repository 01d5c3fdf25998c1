-- The responses that wait, oldest first, with how much of the same was done to the target within the last hour; what was
-- begun counts in full until it is known how much was done. $1 how many at most.
select
  run.run_id::int8 as run_id, run.alert_id::int8 as alert_id, run.action::text as action, run.arguments::jsonb as arguments,
  run.dry_run::bool as dry_run, (alert.state = 'firing')::bool as alert_fires, alert.rule_id::text as rule_id,
  alert.subject_label::text as subject_label, target.target_id::int8 as target_id, target.name::text as target,
  target.address::text as address, target.secret::text as secret, target.kind::text as kind,
  pg_catalog.date_part('epoch', now() - run.queued_at)::float8 as waited_seconds,
  (
    select coalesce(sum(coalesce(other.affected, other.allowance)), 0)
    from monitoring.response_runs as other
    where other.target_id = run.target_id and other.action = run.action and not other.dry_run
      and other.started_at > now() - interval '1 hour'
  )::int8 as used_within_hour
from monitoring.response_runs as run
join monitoring.alerts as alert using (alert_id)
join monitoring.targets as target on target.target_id = run.target_id
where run.state = 'queued'
order by run.run_id
limit $1
