-- Makes partitions ahead and removes what has had its day; returns at once when that was done within the hour.
select monitoring.maintain_partitions()::int8 as changes
