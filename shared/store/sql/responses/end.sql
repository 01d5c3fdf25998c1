-- Ends a response: $1 run_id, $2 state, $3 how much was done (null: not known), $4 what came of it. Gives whether it was
-- open, and whether the same had come of the one before it for the same alert.
with ended as (
  update monitoring.response_runs as run
     set state = $2, ended_at = now(), lease_until = null, affected = $3::int8, result = $4
   where run.run_id = $1 and run.state in ('queued', 'running')
  returning run.run_id, run.alert_id, run.state, run.result
)
select
  (select count(*) from ended)::int8 as ended,
  exists (
    select from ended
    cross join lateral (
      select before.state, before.result
      from monitoring.response_runs as before
      where before.alert_id = ended.alert_id and before.run_id < ended.run_id
      order by before.run_id desc
      limit 1
    ) as before
    where before.state = ended.state and before.result = ended.result
  )::bool as is_no_news
