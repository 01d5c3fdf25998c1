-- Has a rule respond: $1 rule_id, $2 action (null: none any more), $3 arguments, $4 level.
update monitoring.rules as rule
   set response = $2::text, response_arguments = $3::jsonb, response_level = $4
 where rule.rule_id = $1
