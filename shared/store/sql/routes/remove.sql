-- Removes a route by its name.
delete from monitoring.routes where name = $1
