-- Writes the metrics of this release: $1 a list of objects. One that this release does not have stays, for the rules that
-- name it, and is told of as missing.
with given as (
  select given.*
  from pg_catalog.jsonb_to_recordset($1::jsonb) as given (
    metric text, unit text, subject_kind text, phrase text, description text, aggregates text[], collector text,
    is_generic bool
  )
),
gone as (
  update monitoring.metrics as known set present = false
  where known.present and known.metric <> all (select given.metric from given)
)
insert into monitoring.metrics as known
  (metric, unit, subject_kind, phrase, description, aggregates, collector, is_generic)
select
  given.metric, given.unit, given.subject_kind, given.phrase, given.description, given.aggregates, given.collector,
  given.is_generic
from given
order by given.metric
on conflict (metric) do update
  set unit = excluded.unit, subject_kind = excluded.subject_kind, phrase = excluded.phrase,
      description = excluded.description, aggregates = excluded.aggregates, collector = excluded.collector,
      is_generic = excluded.is_generic, present = true
