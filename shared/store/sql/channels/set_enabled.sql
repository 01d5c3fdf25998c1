-- Switches a channel ($1 name) on or off ($2).
update monitoring.channels set enabled = $2 where name = $1
