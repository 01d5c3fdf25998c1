-- Switches a maintenance window ($1 name) on or off ($2).
update monitoring.maintenance_windows set enabled = $2 where name = $1
