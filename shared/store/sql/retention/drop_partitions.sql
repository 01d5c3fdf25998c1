-- Drops partitions past their retention.
select monitoring.drop_old_partitions()::int8 as dropped
