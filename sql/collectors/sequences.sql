-- name: sequences
-- reads: pg_sequence: how much of every sequence is used up, up to its own limit and that of the column it feeds
-- scope: database
-- interval: 3600s
-- timeout: 5s
-- versions: 13-18
-- privileges: none
-- keeps: changes
-- columns: schema=key sequence=key owned_by=label unknown_because=text
-- columns: used_permille=gauge remaining=gauge cycles=gauge
--
-- `used_permille` is the way from the beginning of the range to the end that the sequence runs towards, up or down; a
-- sequence of int8 that feeds a column of int4 ends where the column does. `remaining` is how many values are left. Where
-- the login may neither use nor select from the sequence the last value is hidden, and where somebody holds a lock that
-- reading would wait for it is not asked for: both are not known (null), as on a standby if the sequence is unlogged.

with locked as materialized (
  select l.relation
  from pg_catalog.pg_locks as l
  where l.locktype = 'relation'
    and l.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
    and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
),
owner as (
  select
    d.objid as sequence_oid,
    n.nspname || '.' || c.relname || '.' || a.attname as column_name,
    case a.atttypid
      when 'pg_catalog.int2'::regtype then 32767
      when 'pg_catalog.int4'::regtype then 2147483647
      else 9223372036854775807
    end as column_max
  from pg_catalog.pg_depend as d
  join pg_catalog.pg_class as c on c.oid = d.refobjid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
  where d.classid = 'pg_catalog.pg_class'::regclass
    and d.refclassid = 'pg_catalog.pg_class'::regclass
    and d.deptype in ('a', 'i')
    and d.refobjsubid > 0
),
bounds as (
  select
    n.nspname,
    c.relname,
    owner.column_name,
    s.seqcycle,
    s.seqincrement::numeric as step,
    greatest(s.seqmin, -coalesce(owner.column_max, 9223372036854775807) - 1)::numeric as lowest,
    least(s.seqmax, coalesce(owner.column_max, 9223372036854775807))::numeric as highest,
    case
      when not pg_catalog.has_sequence_privilege(c.oid, 'usage, select') then 'missing_privilege: select'
      when c.oid in (select locked.relation from locked) then 'locked'
      when c.relpersistence = 'u' and pg_catalog.pg_is_in_recovery() then 'unlogged'
    end as unknown_because,
    c.oid
  from pg_catalog.pg_sequence as s
  join pg_catalog.pg_class as c on c.oid = s.seqrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  left join owner on owner.sequence_oid = s.seqrelid
  where c.relpersistence <> 't'
    and n.nspname not in ('pg_catalog', 'information_schema')
),
state as (
  -- A sequence that was never used has no last value: all of it is left.
  select
    r.*,
    case
      when r.unknown_because is not null then null
      when r.step > 0
        then r.highest - coalesce(pg_catalog.pg_sequence_last_value(r.oid)::numeric, r.lowest - r.step)
      else coalesce(pg_catalog.pg_sequence_last_value(r.oid)::numeric, r.highest - r.step) - r.lowest
    end as distance
  from bounds as r
)
select
  p.nspname::text as schema,
  p.relname::text as sequence,
  p.column_name::text as owned_by,
  p.unknown_because::text as unknown_because,
  (
    case
      when p.unknown_because is null
        then least(1000, greatest(0, trunc(1000 - 1000 * p.distance / greatest(p.highest - p.lowest, 1))))
    end
  )::int8 as used_permille,
  (
    case
      when p.unknown_because is null then least(9223372036854775807, greatest(0, trunc(p.distance / abs(p.step))))
    end
  )::int8 as remaining,
  p.seqcycle::int4::int8 as cycles
from state as p
