-- Replaces the last reading of a collector if it is still of the version that the deltas start from ($3, 0 for none), and
-- only then writes what was new in it. $1 target, $2 collector, $4 taken at, $5 epoch, $6 counter columns, $7 keys,
-- $8 counters, $9 length of the interval in ms or null, $10 gauge columns, $11 gauges, $12 fingerprints;
-- $13 keys whose names or texts are new, $14 their labels, $15 their texts; $16 keys that are gone; $17 keys of samples,
-- $18 their values as array literals.
with moved as (
  insert into monitoring.counter_snapshots as s (
    target_id, collector, version, taken_at, epoch, columns, keys, counters, gauge_columns, gauges, fingerprints
  )
  select $1::int4, $2::text, $3::int8 + 1, $4::timestamptz, $5::text, $6::text[], $7::text[], $8::int8[], $10::text[], $11::int8[], $12::int8[]
  -- A base that is gone may have been another's base too, and the interval counted before it went.
  where $3::int8 = 0 or exists (
    select 1 from monitoring.counter_snapshots as base where base.target_id = $1::int4 and base.collector = $2
  )
  on conflict (target_id, collector) do update
    set version = excluded.version, taken_at = excluded.taken_at, epoch = excluded.epoch, columns = excluded.columns,
        keys = excluded.keys, counters = excluded.counters, gauge_columns = excluded.gauge_columns,
        gauges = excluded.gauges, fingerprints = excluded.fingerprints
    where s.version = $3
  returning s.version
),
collector as (
  select c.collector_id from monitoring.collectors as c where c.collector = $2 and exists (select 1 from moved)
),
described_before as materialized (
  select s.subject_id, s.subject_key, s.texts, s.gone_at
  from unnest($13::text[]) as part (subject_key)
  cross join collector
  join monitoring.subjects as s
    on s.target_id = $1::int4 and s.collector_id = collector.collector_id and s.subject_key = part.subject_key
),
missing as materialized (
  select s.subject_id
  from unnest($16::text[]) as part (subject_key)
  cross join collector
  join monitoring.subjects as s
    on s.target_id = $1::int4 and s.collector_id = collector.collector_id and s.subject_key = part.subject_key
  union all
  -- Without a reading to compare with, what is gone has to be looked for.
  select s.subject_id
  from monitoring.subjects as s
  join collector using (collector_id)
  left join unnest($7::text[]) as part (subject_key) using (subject_key)
  where $3 = 0 and s.target_id = $1::int4 and s.gone_at is null and part.subject_key is null
),
known_before as (
  select exists (
    select 1 from monitoring.subjects as s join collector using (collector_id) where s.target_id = $1::int4
  ) as any_subject
),
described as (
  insert into monitoring.subjects as known (target_id, collector_id, subject_key, labels, texts)
  select $1::int4, collector.collector_id, part.subject_key, part.labels::jsonb, part.texts::jsonb
  from unnest($13::text[], $14::text[], $15::text[]) as part (subject_key, labels, texts)
  cross join collector
  on conflict (target_id, collector_id, subject_key) do update
    set labels = excluded.labels, texts = excluded.texts, gone_at = null
    where known.labels <> excluded.labels or known.texts <> excluded.texts or known.gone_at is not null
  returning known.subject_id, known.subject_key, known.texts
),
gone as (
  update monitoring.subjects as known set gone_at = now()
  from missing
  where known.subject_id = missing.subject_id and known.gone_at is null
  returning known.subject_id, known.texts
),
changed as (
  insert into monitoring.subject_changes (target_id, subject_id, change, before, after)
  select
    $1::int4, described.subject_id,
    case when before.subject_id is null or before.gone_at is not null then 'appeared' else 'changed' end,
    case when before.gone_at is null then before.texts end,
    described.texts
  from described
  left join described_before as before using (subject_key)
  cross join known_before
  -- The first reading of all is no change, and what has no texts has no history of them.
  where known_before.any_subject and described.texts <> '{}'
    and (before.subject_id is null or before.gone_at is not null or before.texts <> described.texts)
  union all
  select $1::int4, gone.subject_id, 'disappeared', gone.texts, null from gone where gone.texts <> '{}'
),
subject as (
  select described.subject_id, described.subject_key from described
  union
  select s.subject_id, s.subject_key
  from unnest($17::text[]) as part (subject_key)
  cross join collector
  join monitoring.subjects as s
    on s.target_id = $1::int4 and s.collector_id = collector.collector_id and s.subject_key = part.subject_key
),
written as (
  insert into monitoring.samples (subject_id, target_id, collector_id, sampled_at, interval_ms, "values")
  select subject.subject_id, $1::int4, collector.collector_id, now(), $9::int8, part."values"::int8[]
  from unnest($17::text[], $18::text[]) as part (subject_key, "values")
  join subject using (subject_key)
  cross join collector
  returning 1
)
select
  (exists (select 1 from moved))::bool as swapped,
  (exists (select 1 from monitoring.collectors as c where c.collector = $2))::bool as registered,
  (select count(*) from written)::int8 as written
