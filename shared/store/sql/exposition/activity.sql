-- The last sample of the connections of each enabled target, unless it is older than ten minutes or five intervals.
select
  t.name::text as target, (a.sampled_at at time zone 'UTC')::timestamp as sampled_at, a.connections::int8,
  a.max_connections::int8,
  a.reserved_connections::int8, a.active::int8, a.idle::int8, a.idle_in_transaction::int8,
  a.idle_in_transaction_aborted::int8, a.waiting_on_lock::int8, a.longest_transaction_ms::int8,
  a.longest_statement_ms::int8, a.oldest_idle_in_transaction_ms::int8
from monitoring.targets as t
cross join lateral (
  select sample.*
  from monitoring.activity_samples as sample
  where sample.target_id = t.target_id
    and sample.sampled_at > now() - greatest(600, 5 * t.interval_seconds) * interval '1 second'
  order by sample.sampled_at desc
  limit 1
) as a
where t.enabled
order by t.name
