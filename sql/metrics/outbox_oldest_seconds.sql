-- metric: outbox_oldest_seconds
-- unit: s
-- phrase: time that a notification has waited
-- describes: age of the oldest notification that is neither delivered nor given up
-- aggregates: last
--
-- Of the past it is not known.

select
  span.span, target.target_id, '' as subject, target.name as subject_label, target.labels,
  coalesce(
    (
      select greatest(0, pg_catalog.date_part('epoch', span.ends_at - min(message.created_at)))
      from monitoring.outbox as message
      where message.delivered_at is null and message.dead_at is null
    ),
    0
  )::float8 as value,
  1::int8 as traffic
from span
-- An alert belongs to a target: what is about the monitor itself goes by the first one that is watched.
join (select * from target order by target.target_id limit 1) as target using (collector)
where span.is_now
