-- For how long each enabled target has not answered; 0 while it does. A target that was never tried says nothing.
--
-- An outage that was noticed only afterwards is told for half a minute: two turns of the schedule, so that none misses it.
select
  r.rule_id::text as rule_id, t.target_id::int8 as target_id, ''::text as subject, t.name::text as subject_label,
  null::text as database, null::text as user_name,
  (
    case
      when not s.up then greatest(0, pg_catalog.date_part('epoch', now() - s.down_since))
      when s.outage_noticed_at > now() - interval '30 seconds' then s.outage_seconds
      else 0
    end
  )::float8 as value,
  1::int8 as traffic, 'measured'::text as condition
from monitoring.rules as r
cross join monitoring.targets as t
join monitoring.target_state as s using (target_id)
where r.enabled and r.metric = 'target_down_seconds' and t.enabled and s.up is not null
