-- The open alerts, and those resolved so lately ($1: seconds that flapping is remembered) that it makes a difference to
-- what comes next; one row per rule, target and subject.
select distinct on (a.rule_id, a.target_id, a.subject)
  a.alert_id::int8, a.rule_id::text, a.target_id::int8, t.name::text as target, a.subject::text, a.subject_label::text,
  a.state::text, a.level::text, a.value::float8, a.threshold::float8, a.pending_since::timestamptz,
  a.opened_at::timestamptz, a.level_since::timestamptz, a.last_seen_at::timestamptz, a.no_data_since::timestamptz,
  a.calm_since::timestamptz, a.flap_penalty::float8, a.flaps_counted_at::timestamptz, a.flapping::bool,
  a.resolved_at::timestamptz, a.sequence::int8, a.labels::jsonb, a.acknowledged_at::timestamptz,
  a.acknowledged_by::text, a.acknowledged_level::text, a.acknowledged_note::text, a.suppressed_by::text,
  coalesce(a.notification -> 'responses', '[]')::jsonb as responses
from monitoring.alerts as a
join monitoring.rules as r using (rule_id)
join monitoring.targets as t on t.target_id = a.target_id
where a.state <> 'resolved'
   or (a.state = 'resolved' and a.resolved_at > now() - greatest(r.cooldown_seconds, $1::float8) * interval '1 second')
order by a.rule_id, a.target_id, a.subject, (a.state <> 'resolved') desc, a.resolved_at desc nulls first
