-- name: replication_slots
-- reads: pg_replication_slots: the WAL and the rows that each slot keeps from being removed
-- scope: instance
-- interval: 60s
-- timeout: 2s
-- versions: 13
-- privileges: none
-- needs: pg_replication_slots.safe_wal_size
-- columns: slot=key slot_type=label plugin=label database=label
-- columns: wal_status=text invalidation=text two_phase=text failover=text synced=text
-- columns: active=gauge temporary=gauge current_position_bytes=gauge confirmed_position_bytes=gauge
-- columns: retained_bytes=gauge unconfirmed_bytes=gauge safe_wal_bytes=gauge
-- columns: xmin_age_xids=gauge catalog_xmin_age_xids=gauge inactive_at_seconds=gauge
--
-- `inactive_at_seconds` is since when nobody uses the slot (from PostgreSQL 17 on), `safe_wal_bytes` what may still
-- be written until the slot is lost (where max_slot_wal_keep_size is set), `invalidation` why it is lost (16: only by
-- a conflict).

with here as materialized (
  select
    case
      when pg_catalog.pg_is_in_recovery()
        then greatest(pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn())
      else pg_catalog.pg_current_wal_lsn()
    end as position
)
select
  s.slot_name::text as slot,
  s.slot_type::text as slot_type,
  s.plugin::text as plugin,
  s.database::text as database,
  s.wal_status::text as wal_status,
  null::text as invalidation,
  null::text as two_phase,
  null::text as failover,
  null::text as synced,
  s.active::int4::int8 as active,
  s.temporary::int4::int8 as temporary,
  pg_catalog.pg_wal_lsn_diff(here.position, '0/0')::int8 as current_position_bytes,
  pg_catalog.pg_wal_lsn_diff(s.confirmed_flush_lsn, '0/0')::int8 as confirmed_position_bytes,
  pg_catalog.pg_wal_lsn_diff(greatest(here.position, s.restart_lsn), s.restart_lsn)::int8 as retained_bytes,
  pg_catalog.pg_wal_lsn_diff(
    greatest(here.position, s.confirmed_flush_lsn), s.confirmed_flush_lsn
  )::int8 as unconfirmed_bytes,
  s.safe_wal_size::int8 as safe_wal_bytes,
  pg_catalog.age(s.xmin)::int8 as xmin_age_xids,
  pg_catalog.age(s.catalog_xmin)::int8 as catalog_xmin_age_xids,
  null::int8 as inactive_at_seconds
from pg_catalog.pg_replication_slots as s
cross join here
