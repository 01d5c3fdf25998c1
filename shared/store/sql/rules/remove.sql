-- Removes a rule ($1) with its alerts.
delete from monitoring.rules where rule_id = $1
