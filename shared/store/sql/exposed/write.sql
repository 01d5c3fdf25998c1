-- Replaces what is shown of a collector ($2) on a target ($1): $3 version of the reading, $4 counter columns, $5 gauge
-- columns, $6 subjects, $7 shown, $8 sizes, $9 counters, $10 gauges.
insert into monitoring.exposed as e
  (target_id, collector, version, counter_columns, gauge_columns, subjects, shown, sizes, counters, gauges)
values (
  $1::int4, $2, $3, $4::text[], $5::text[], $6::text[], $7::int8[], $8::int8[], $9::int8[], $10::int8[]
)
on conflict (target_id, collector) do update
  set version = excluded.version, counter_columns = excluded.counter_columns, gauge_columns = excluded.gauge_columns,
      subjects = excluded.subjects, shown = excluded.shown, sizes = excluded.sizes, counters = excluded.counters,
      gauges = excluded.gauges
