-- metric: sequence_use_percent
-- unit: percent
-- subject: sequence
-- phrase: share of the sequence that is used up
-- describes: how much of a sequence is used up, of those that do not begin again
-- aggregates: last
-- collector: sequences

select
  span, target_id, subject,
  (labels ->> 'schema') || '.' || (labels ->> 'sequence') as subject_label,
  labels,
  (monitoring.number_of(numbers, columns, 'used_permille') / 10.0)::float8 as value, 1::int8 as traffic
from last_sample
where monitoring.number_of(numbers, columns, 'cycles') = 0
