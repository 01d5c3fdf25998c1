-- Removes a maintenance window by its name.
delete from monitoring.maintenance_windows where name = $1
