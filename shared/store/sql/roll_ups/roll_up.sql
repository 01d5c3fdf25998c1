-- Rolls up the next bucket of a target ($1) and table ($2) to a resolution ($3): how many rows; null for nothing to do.
select monitoring.roll_up($1::int4, $2, $3)::int8 as rows
