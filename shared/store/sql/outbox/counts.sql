-- How full the outbox is.
select
  (count(*) filter (where m.delivered_at is null and m.dead_at is null))::int8 as waiting,
  (count(*) filter (where m.delivered_at is null and m.dead_at is null and m.attempts > 0))::int8 as retrying,
  (count(*) filter (where m.delivered_at is not null))::int8 as delivered,
  (count(*) filter (where m.dead_at is not null))::int8 as dead,
  coalesce(
    pg_catalog.date_part('epoch', now() - min(m.created_at) filter (where m.delivered_at is null and m.dead_at is null)), 0
  )::float8 as oldest_waiting_seconds
from monitoring.outbox as m
