-- Removes a target by its name, and with it its state and its alerts. Its samples go with their partitions.
delete from monitoring.targets where name = $1
