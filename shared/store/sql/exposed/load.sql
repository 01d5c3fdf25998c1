-- What is shown of a collector ($2) on a target ($1).
select
  e.version::int8, e.counter_columns::text[], e.gauge_columns::text[], e.subjects::text[], e.shown::int8[],
  e.sizes::int8[], e.counters::int8[], e.gauges::int8[]
from monitoring.exposed as e
where e.target_id = $1::int4 and e.collector = $2
