-- Gives up on responses whose run was cut off: what they did is not known, and they are not done again. Gives them.
update monitoring.response_runs as run
   set state = 'failed', ended_at = now(), lease_until = null,
       result = 'the run was cut off: it is not known how much was done'
 where run.state = 'running' and run.lease_until < now()
returning run.run_id::int8, run.alert_id::int8, run.action::text, run.dry_run::bool, run.result::text
