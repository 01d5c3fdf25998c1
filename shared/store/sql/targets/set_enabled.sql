-- Switches a target ($1 name) on or off ($2).
update monitoring.targets set enabled = $2 where name = $1
