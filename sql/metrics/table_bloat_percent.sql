-- metric: table_bloat_percent
-- unit: percent
-- subject: table
-- phrase: share of free space
-- describes: free space in percent of a table, estimated
-- aggregates: last
-- collector: table_bloat
--
-- The bytes that are free are the traffic: a share of a small table is worth nobody's time.

select
  span, target_id, subject,
  (labels ->> 'schema') || '.' || (labels ->> 'table') as subject_label,
  labels,
  (monitoring.number_of(numbers, columns, 'bloat_permille') / 10.0)::float8 as value,
  coalesce(monitoring.number_of(numbers, columns, 'bloat_bytes'), 0)::int8 as traffic
from last_sample
