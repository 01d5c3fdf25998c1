-- Replaces the counters of a collector if they are still of the version that the deltas start from ($3, 0 for none), and
-- only then writes the deltas. $1 target, $2 collector, $4 taken at, $5 epoch, $6 columns, $7 keys, $8 counters,
-- $9 length of the interval in ms, $10 statement keys, $11 and on their counters.
with moved as (
  insert into monitoring.counter_snapshots as s
    (target_id, collector, version, taken_at, epoch, columns, keys, counters)
  values ($1::int4, $2, $3 + 1, $4, $5, $6::text[], $7::text[], $8::int8[])
  on conflict (target_id, collector) do update
    set version = excluded.version, taken_at = excluded.taken_at, epoch = excluded.epoch, columns = excluded.columns,
        keys = excluded.keys, counters = excluded.counters
    where s.version = $3
  returning s.version
),
sample as (
  select known.statement_id, known.last_seen, part.*
  from unnest(
    $10::text[], $11::int8[], $12::int8[], $13::int8[], $14::int8[], $15::int8[], $16::int8[], $17::int8[], $18::int8[],
    $19::int8[], $20::int8[], $21::int8[], $22::int8[], $23::int8[]
  ) as part (
    statement_key, calls, plan_us, exec_us, rows, shared_hit, shared_read, shared_dirtied, shared_written,
    temp_read, temp_written, read_us, write_us, wal_bytes
  )
  join monitoring.statements as known on known.target_id = $1::int4 and known.statement_key = part.statement_key
    and not known.utility
  where exists (select 1 from moved)
),
touched as (
  -- Once a day is enough to keep what is in use from being removed.
  update monitoring.statements as known
     set last_seen = now()
    from sample
   where known.statement_id = sample.statement_id and sample.last_seen < now() - interval '1 day'
),
written as (
  insert into monitoring.statement_samples (
    target_id, statement_id, sampled_at, interval_ms, calls, plan_us, exec_us, rows, shared_hit, shared_read,
    shared_dirtied, shared_written, temp_read, temp_written, read_us, write_us, wal_bytes
  )
  select
    $1::int4, statement_id, now(), $9, calls, plan_us, exec_us, rows, shared_hit, shared_read,
    shared_dirtied, shared_written, temp_read, temp_written, read_us, write_us, wal_bytes
  from sample
  returning 1
)
select
  (exists (select 1 from moved))::bool as swapped,
  (select count(*) from written)::int8 as written
