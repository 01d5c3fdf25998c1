-- Replaces the counters of a collector if they are still of the version that the deltas start from ($3, 0 for none), and
-- only then writes the deltas. $1 target, $2 collector, $4 taken at, $5 epoch, $6 columns, $7 keys, $8 counters,
-- $9 length of the interval in ms, $10 statement keys, $11 and on their counters.
with moved as (
  insert into monitoring.counter_snapshots as s
    (target_id, collector, version, taken_at, epoch, columns, keys, counters)
  select $1::int4, $2::text, $3::int8 + 1, $4::timestamptz, $5::text, $6::text[], $7::text[], $8::int8[]
  -- A base that is gone may have been another's base too, and the interval counted before it went.
  where $3::int8 = 0 or exists (
    select 1 from monitoring.counter_snapshots as base where base.target_id = $1::int4 and base.collector = $2
  )
  on conflict (target_id, collector) do update
    set version = excluded.version, taken_at = excluded.taken_at, epoch = excluded.epoch, columns = excluded.columns,
        keys = excluded.keys, counters = excluded.counters
    where s.version = $3
  returning s.version
),
sample as (
  select known.statement_id, known.last_seen, part.*
  from unnest(
    $10::text[], $11::int8[], $12::int8[], $13::int8[], $14::int8[], $15::int8[], $16::int8[], $17::int8[],
    $18::int8[], $19::int8[], $20::int8[], $21::int8[], $22::int8[], $23::int8[], $24::int8[], $25::int8[],
    $26::int8[], $27::int8[], $28::int8[], $29::int8[], $30::int8[], $31::int8[], $32::int8[], $33::int8[],
    $34::int8[], $35::int8[], $36::int8[], $37::int8[]
  ) as part (
    statement_key, calls, plans, plan_us, exec_us, exec_squares, rows, shared_hit, shared_read, shared_dirtied,
    shared_written, local_hit, local_read, local_dirtied, local_written, temp_read, temp_written, read_us, write_us,
    local_read_us, local_write_us, temp_read_us, temp_write_us, wal_records, wal_full_page_images, wal_bytes,
    jit_functions, jit_us
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
    target_id, statement_id, sampled_at, interval_ms, calls, plans, plan_us, exec_us, exec_squares, rows, shared_hit,
    shared_read, shared_dirtied, shared_written, local_hit, local_read, local_dirtied, local_written, temp_read,
    temp_written, read_us, write_us, local_read_us, local_write_us, temp_read_us, temp_write_us, wal_records,
    wal_full_page_images, wal_bytes, jit_functions, jit_us
  )
  select
    $1::int4, statement_id, now(), $9, calls, plans, plan_us, exec_us, exec_squares, rows, shared_hit, shared_read,
    shared_dirtied, shared_written, local_hit, local_read, local_dirtied, local_written, temp_read, temp_written,
    read_us, write_us, local_read_us, local_write_us, temp_read_us, temp_write_us, wal_records, wal_full_page_images,
    wal_bytes, jit_functions, jit_us
  from sample
  returning 1
)
select
  (exists (select 1 from moved))::bool as swapped,
  (select count(*) from written)::int8 as written
