-- Writes the collectors of this release: $1 a list of objects. Positions in `columns` are those of stored values, so that
-- columns are only ever appended; a collector that this release does not have stays, for its history.
with given as (
  select given.*
  from pg_catalog.jsonb_to_recordset($1::jsonb) as given (
    collector text, reads text, scope text, keeps text, interval_seconds int4, labels text[], texts text[],
    columns text[], kinds text[], percentiles text[], target_kind text
  )
),
gone as (
  update monitoring.collectors as known set present = false
  where known.present and known.collector <> all (select given.collector from given)
),
merged as (
  select
    given.collector, given.reads, given.scope, given.keeps, given.interval_seconds, given.labels, given.texts,
    given.percentiles, given.target_kind,
    array(
      select numbered.name
      from pg_catalog.unnest(known.columns || given.columns) with ordinality as numbered (name, position)
      group by numbered.name
      order by min(numbered.position)
    ) as columns,
    array(
      select coalesce(
        (
          select new.kind
          from rows from (pg_catalog.unnest(given.columns), pg_catalog.unnest(given.kinds)) as new (name, kind)
          where new.name = numbered.name
        ),
        (
          select old.kind
          from rows from (pg_catalog.unnest(known.columns), pg_catalog.unnest(known.kinds)) as old (name, kind)
          where old.name = numbered.name
        )
      )
      from pg_catalog.unnest(known.columns || given.columns) with ordinality as numbered (name, position)
      group by numbered.name
      order by min(numbered.position)
    ) as kinds
  from given
  left join monitoring.collectors as known using (collector)
)
insert into monitoring.collectors as known
  (collector, reads, scope, keeps, interval_seconds, labels, texts, columns, kinds, percentiles,
   target_kind)
select
  merged.collector, merged.reads, merged.scope, merged.keeps, merged.interval_seconds, merged.labels, merged.texts,
  merged.columns, merged.kinds, merged.percentiles, merged.target_kind
from merged
order by merged.collector
on conflict (collector) do update
  set reads = excluded.reads, scope = excluded.scope, keeps = excluded.keeps, present = true,
      interval_seconds = excluded.interval_seconds, labels = excluded.labels, texts = excluded.texts,
      columns = excluded.columns, kinds = excluded.kinds, percentiles = excluded.percentiles, target_kind = excluded.target_kind
