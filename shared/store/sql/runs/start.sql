-- Writes the start of a run ($1 function, $2 trigger, $3 seconds it may take) and gives up on those before it that
-- never ended.
with abandoned as (
  update monitoring.function_runs
     set outcome = 'abandoned', finished_at = now(), error = 'the run did not end before its deadline'
   where function = $1 and outcome = 'running' and deadline_at < now()
)
insert into monitoring.function_runs (function, trigger, deadline_at)
values ($1, $2, now() + $3 * interval '1 second')
returning run_id::int8, (started_at at time zone 'UTC')::timestamp as started_at
