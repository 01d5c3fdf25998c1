-- Writes the end of a run ($1 id, $2 start, $3 outcome, $4 report, $5 error); also of one that was given up too early.
update monitoring.function_runs
   set outcome = $3, finished_at = pg_catalog.clock_timestamp(), report = $4::jsonb, error = $5::text
 where run_id = $1 and started_at = $2 and outcome in ('running', 'abandoned')
