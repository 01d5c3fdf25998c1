-- The open alerts, and those resolved so lately ($1: seconds that flapping is remembered) that it makes a difference to
-- what comes next; one row per rule, target and subject.
select distinct on (a.rule_id, a.target_id, a.subject)
  a.alert_id::int8, a.rule_id::text, a.target_id::int8, t.name::text as target, a.subject::text, a.subject_label::text,
  a.state::text, a.level::text, a.value::float8, a.threshold::float8,
  (a.pending_since at time zone 'UTC')::timestamp as pending_since,
  (a.opened_at at time zone 'UTC')::timestamp as opened_at,
  (a.level_since at time zone 'UTC')::timestamp as level_since,
  (a.last_seen_at at time zone 'UTC')::timestamp as last_seen_at,
  (a.no_data_since at time zone 'UTC')::timestamp as no_data_since,
  (a.calm_since at time zone 'UTC')::timestamp as calm_since, a.flap_penalty::float8,
  (a.flaps_counted_at at time zone 'UTC')::timestamp as flaps_counted_at, a.flapping::bool,
  (a.resolved_at at time zone 'UTC')::timestamp as resolved_at, a.sequence::int8, a.labels::jsonb,
  (a.acknowledged_at at time zone 'UTC')::timestamp as acknowledged_at,
  a.acknowledged_by::text, a.acknowledged_level::text, a.acknowledged_note::text, a.suppressed_by::text,
  coalesce(a.notification -> 'responses', '[]')::jsonb as responses
from monitoring.alerts as a
join monitoring.rules as r using (rule_id)
join monitoring.targets as t on t.target_id = a.target_id
where a.state <> 'resolved'
   or (a.state = 'resolved' and a.resolved_at > now() - greatest(r.cooldown_seconds, $1::float8) * interval '1 second')
order by a.rule_id, a.target_id, a.subject, (a.state <> 'resolved') desc, a.resolved_at desc nulls first
