-- Makes partitions ahead; returns at once when that was done within the hour.
select monitoring.maintain_partitions()::int8 as made
