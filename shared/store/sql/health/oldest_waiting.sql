-- How long the oldest message waits that is neither delivered nor given up, in seconds; 0 when none waits.
select
  coalesce(pg_catalog.date_part('epoch', now() - min(m.created_at)), 0)::float8 as waiting_seconds
from monitoring.outbox as m
where m.delivered_at is null and m.dead_at is null
