-- Claims targets for collection: $1 how many, $2 seconds the lease lasts beyond the target's timeout, $3 who, $4 whether
-- only those that are due, $5 the most seconds of any timeout that count.
--
-- A target is due on the points of a grid of its interval, a tenth of the interval early at most: a schedule of the same
-- step that fires a moment early must not make it wait for the next. The row of the target is locked and skipped by
-- others while this runs; who comes right after finds the lease, because the condition is checked again on the row.
with due as (
  select t.target_id, t.interval_seconds, least(t.timeout_ms / 1000.0, $5) + $2 as lease_seconds
  from monitoring.targets as t
  left join monitoring.target_state as s using (target_id)
  where t.enabled
    and (s.lease_until is null or s.lease_until <= now())
    and (
      not $4::bool or s.next_collection_at is null
      or s.next_collection_at <= now() + t.interval_seconds * interval '0.1 second'
    )
  -- Those that did not answer last time come last: waiting for them again must not delay the others.
  order by s.up is false, s.next_collection_at nulls first, t.target_id
  limit $1
  for update of t skip locked
),
claimed as (
  insert into monitoring.target_state as s (target_id, last_attempt_at, lease_until, lease_holder, next_collection_at)
  select
    due.target_id, now(), now() + due.lease_seconds * interval '1 second', $3,
    pg_catalog.to_timestamp(
      (pg_catalog.floor(pg_catalog.date_part('epoch', now()) / due.interval_seconds + 0.1) + 1) * due.interval_seconds
    )
  from due
  on conflict (target_id) do update
    set last_attempt_at = excluded.last_attempt_at, lease_until = excluded.lease_until,
        lease_holder = excluded.lease_holder, next_collection_at = excluded.next_collection_at
    where (s.lease_until is null or s.lease_until <= now())
      and (
        not $4::bool or s.next_collection_at is null
        or s.next_collection_at < excluded.next_collection_at
      )
  returning s.target_id, s.up
)
select
  t.target_id::int8, t.name::text, t.address::text, t.secret::text, t.enabled::bool, t.labels::jsonb,
  t.interval_seconds::int8, t.timeout_ms::int8, t.kind::text
from monitoring.targets as t
join claimed using (target_id)
order by claimed.up is false, t.target_id
