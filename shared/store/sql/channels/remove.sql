-- Removes a channel by its name, and its messages with it.
delete from monitoring.channels where name = $1
