-- metric: wraparound_percent
-- unit: percent
-- subject: database
-- phrase: share of the transaction ids that are used up
-- describes: age of the oldest transaction id or multixact of a database in percent of 2,147,483,647
-- aggregates: last
-- collector: wraparound

select
  span, target_id, subject, labels ->> 'database' as subject_label, labels,
  (
    100.0 * greatest(
      monitoring.number_of(numbers, columns, 'xid_age_xids'),
      monitoring.number_of(numbers, columns, 'multixact_age_mxids')
    ) / 2147483647
  )::float8 as value,
  1::int8 as traffic
from last_sample
-- Ages are read every few minutes and grow: an older one says too little.
where sampled_at > ends_at - interval '1 hour'
