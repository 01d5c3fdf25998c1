-- metric: target_down_seconds
-- unit: s
-- phrase: time without an answer
-- describes: for how long the target has not answered; 0 while it does
-- aggregates: last
--
-- A target that was never tried says nothing. An outage that was noticed only afterwards is told for half a minute: two
-- turns of the schedule, so that none misses it. Nobody keeps when targets were down: of the past it says nothing bad.

select
  span.span, target.target_id, '' as subject, target.name as subject_label, target.labels,
  (
    case
      when span.is_now and not state.up then greatest(0, pg_catalog.date_part('epoch', span.ends_at - state.down_since))
      when span.is_now and state.outage_noticed_at > span.ends_at - interval '30 seconds' then state.outage_seconds
      else 0
    end
  )::float8 as value,
  1::int8 as traffic
from span
join target using (collector)
join monitoring.target_state as state using (target_id)
where state.up is not null
