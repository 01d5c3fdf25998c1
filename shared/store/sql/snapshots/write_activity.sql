-- Writes the connections of a target ($1) at this moment.
insert into monitoring.activity_samples (
  target_id, sampled_at, connections, max_connections, reserved_connections, active, idle, idle_in_transaction,
  idle_in_transaction_aborted, waiting_on_lock, longest_transaction_ms, longest_statement_ms,
  oldest_idle_in_transaction_ms
)
values (
  $1::int4, now(), $2::int4, $3::int4, $4::int4, $5::int4, $6::int4, $7::int4, $8::int4, $9::int4, $10, $11, $12
)
