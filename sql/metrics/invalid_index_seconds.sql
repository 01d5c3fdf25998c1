-- metric: invalid_index_seconds
-- unit: s
-- subject: index
-- phrase: time that an index has been invalid
-- describes: how long an invalid index that nobody builds has been known
-- aggregates: last
-- collector: invalid_indexes

select
  span, target_id, subject,
  (labels ->> 'schema') || '.' || (labels ->> 'index') as subject_label,
  labels,
  greatest(0, pg_catalog.date_part('epoch', ends_at - first_seen))::float8 as value, 1::int8 as traffic
from last_sample
where monitoring.number_of(numbers, columns, 'is_building') = 0
