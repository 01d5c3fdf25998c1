-- The rules that respond, by name.
select
  rule.rule_id::text as rule_id, rule.enabled::bool as enabled, rule.response::text as action,
  rule.response_arguments::jsonb as arguments, rule.response_level::text as level
from monitoring.rules as rule
where rule.response is not null
order by rule.rule_id
