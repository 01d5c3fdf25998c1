-- Adds a target, or changes the one of that name: $1 name, $2 address, $3 secret, $4 labels, $5 interval, $6 timeout,
-- $7 kind.
insert into monitoring.targets (name, address, secret, labels, interval_seconds, timeout_ms, kind)
values ($1, $2, $3, $4::jsonb, $5::int4, $6::int4, $7)
on conflict (name) do update
  set address = excluded.address, secret = excluded.secret, labels = excluded.labels,
      interval_seconds = excluded.interval_seconds, timeout_ms = excluded.timeout_ms,
      kind = excluded.kind
returning target_id::int8
