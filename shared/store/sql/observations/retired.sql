-- Open alerts that nothing observes any more, because their rule or their target is switched off: they are to resolve.
select
  a.rule_id::text as rule_id, a.target_id::int8 as target_id, a.subject::text as subject,
  a.subject_label::text as subject_label, '{}'::jsonb as labels, null::float8 as value, 0::int8 as traffic,
  'idle'::text as state, null::timestamp as at
from monitoring.alerts as a
join monitoring.rules as r using (rule_id)
join monitoring.targets as t on t.target_id = a.target_id
where a.state <> 'resolved' and not (r.enabled and t.enabled)
