-- Switches a target ($1 name) on or off ($2). What is not seen while it is off is no outage.
with switched as (
  update monitoring.targets set enabled = $2 where name = $1
  returning target_id
),
watched as (
  update monitoring.target_state as s set watched_since = now()
    from switched
   where s.target_id = switched.target_id and $2
)
select count(*)::int8 as switched from switched
