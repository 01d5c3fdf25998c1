-- Begins to roll up the targets and tables that are not rolled up yet.
select monitoring.begin_roll_ups()::int8 as begun
