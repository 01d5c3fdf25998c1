-- name: xmin_horizon
-- reads: who keeps vacuum from removing dead rows, the oldest of each kind of holder
-- scope: instance
-- interval: 60s
-- timeout: 2s
-- versions: 13-18
-- privileges: pg_read_all_stats
-- columns: holder=key database=label name=label age_xids=gauge held_ms=gauge
--
-- `name` is the application of a running transaction (as in `connections`) or of a replica that gives feedback, the slot, or the owner of a
-- prepared transaction. A slot holds rows of all databases, or, as `replication_slot_catalog`, those of the catalogs
-- only. For how long a slot has held is not known. The transaction that asks is left out.

with holder as (
  select
    'running_transaction' as holder,
    a.datname::text as database,
    pg_catalog.regexp_replace(
      pg_catalog.left(a.application_name, 64),
      '[^ ,|]*@[^ ,|]*|=[^ ,|]+|[[:<:]](bearer[ :]|gh[a-z]_|github_pat_|glpat-|xox[a-z]-|whsec_|eyj[0-9a-z_-]{8})[^ ,|]*'
      || '|[0-9][0-9.:/-]{6,}|[0-9a-f-]{16,}|[[:<:]](?=[a-f]*[0-9])[0-9a-f]{8,}[[:>:]]'
      || '|[[:<:]](?=[a-z_]*[0-9]+[a-z])[0-9a-z_]{12,}[[:>:]]|[0-9a-z+]{30,}|[0-9]+',
      '#',
      'gi'
    ) as name,
    greatest(pg_catalog.age(a.backend_xmin), pg_catalog.age(a.backend_xid)) as age,
    a.xact_start as since
  from pg_catalog.pg_stat_activity as a
  where
    (a.backend_xmin is not null or a.backend_xid is not null)
    and a.backend_type <> 'walsender'
    and a.pid <> pg_catalog.pg_backend_pid()
  union all
  select 'standby_feedback', null, r.application_name, pg_catalog.age(r.backend_xmin), r.backend_start
  from pg_catalog.pg_stat_replication as r
  where r.backend_xmin is not null
  union all
  select 'replication_slot', s.database, s.slot_name, pg_catalog.age(s.xmin), null
  from pg_catalog.pg_replication_slots as s
  where s.xmin is not null
  union all
  select 'replication_slot_catalog', s.database, s.slot_name, pg_catalog.age(s.catalog_xmin), null
  from pg_catalog.pg_replication_slots as s
  where s.catalog_xmin is not null
  union all
  select 'prepared_transaction', p.database, p.owner, pg_catalog.age(p.transaction), p.prepared
  from pg_catalog.pg_prepared_xacts as p
)
select distinct on (h.holder)
  h.holder::text as holder,
  h.database::text as database,
  h.name::text as name,
  h.age::int8 as age_xids,
  (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - h.since) * 1000)::int8 as held_ms
from holder as h
order by h.holder, h.age desc, h.since nulls last
