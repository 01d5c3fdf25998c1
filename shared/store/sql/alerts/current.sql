-- The open alerts, and those resolved lately, whose cooldown may still run; one row per rule, target and subject.
select distinct on (a.rule_id, a.target_id, a.subject)
  a.alert_id::int8, a.rule_id::text, a.target_id::int8, t.name::text as target, a.subject::text, a.subject_label::text,
  a.state::text, a.level::text, a.value::float8, a.threshold::float8, a.pending_since::timestamptz,
  a.opened_at::timestamptz, a.level_since::timestamptz, a.last_seen_at::timestamptz, a.resolved_at::timestamptz,
  a.sequence::int8
from monitoring.alerts as a
join monitoring.rules as r using (rule_id)
join monitoring.targets as t on t.target_id = a.target_id
where a.state <> 'resolved'
   or (a.state = 'resolved' and a.resolved_at > now() - r.cooldown_seconds * interval '1 second')
order by a.rule_id, a.target_id, a.subject, (a.state <> 'resolved') desc, a.resolved_at desc nulls first
