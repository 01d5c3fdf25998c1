-- Begins responses ($1 run_ids, $2 how much each may do) for $3 seconds.
update monitoring.response_runs as run
   set state = 'running', started_at = now(), lease_until = now() + $3 * interval '1 second', allowance = given.allowance
  from rows from (pg_catalog.unnest($1::int8[]), pg_catalog.unnest($2::int8[])) as given (run_id, allowance)
 where run.run_id = given.run_id and run.state = 'queued'
