-- Replaces the counters of a collector if they are still of the version that the deltas start from ($3, 0 for none), and
-- only then writes the deltas. $1 target, $2 collector, $4 taken at, $5 epoch, $6 columns, $7 keys, $8 counters,
-- $9 length of the interval in ms, $10 database names, $11 sizes, $12 backends, $13 to $27 their
-- counters, $28 the backends of all keys.
with moved as (
  insert into monitoring.counter_snapshots as s
    (target_id, collector, version, taken_at, epoch, columns, keys, counters, gauge_columns, gauges)
  select $1::int4, $2::text, $3::int8 + 1, $4::timestamptz, $5::text, $6::text[], $7::text[], $8::int8[],
    array['backends']::text[], $28::int8[]
  -- A base that is gone may have been another's base too, and the interval counted before it went.
  where $3::int8 = 0 or exists (
    select 1 from monitoring.counter_snapshots as base where base.target_id = $1::int4 and base.collector = $2
  )
  on conflict (target_id, collector) do update
    set version = excluded.version, taken_at = excluded.taken_at, epoch = excluded.epoch, columns = excluded.columns,
        keys = excluded.keys, counters = excluded.counters, gauge_columns = excluded.gauge_columns,
        gauges = excluded.gauges
    where s.version = $3
  returning s.version
),
written as (
  insert into monitoring.database_samples (
    target_id, sampled_at, interval_ms, database, size_bytes, backends, commits, rollbacks, blocks_read, blocks_hit,
    rows_returned, rows_fetched, rows_inserted, rows_updated, rows_deleted, conflicts, temp_files, temp_bytes, deadlocks,
    read_us, write_us
  )
  select $1::int4, now(), $9, part.*
  from unnest(
    $10::text[], $11::int8[], $12::int8[], $13::int8[], $14::int8[], $15::int8[], $16::int8[], $17::int8[], $18::int8[],
    $19::int8[], $20::int8[], $21::int8[], $22::int8[], $23::int8[], $24::int8[], $25::int8[], $26::int8[], $27::int8[]
  ) as part
  where exists (select 1 from moved)
  returning 1
)
select
  (exists (select 1 from moved))::bool as swapped,
  (select count(*) from written)::int8 as written
