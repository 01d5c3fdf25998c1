-- Switches a route ($1 name) on or off ($2).
update monitoring.routes set enabled = $2 where name = $1
