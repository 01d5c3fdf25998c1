-- Removes a bite of what has had its day from the tables that are not partitioned.
select (monitoring.remove_old_rows() + monitoring.remove_forgotten_subjects())::int8 as removed
