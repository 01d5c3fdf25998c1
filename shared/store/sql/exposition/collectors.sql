-- How the last run of each collector on each enabled target went.
select
  t.name::text as target, c.collector::text, c.outcome::text, c.reason::text, c.rows::int8, c.duration_ms::float8,
  (pg_catalog.date_part('epoch', now() - c.at))::float8 as age_seconds,
  (pg_catalog.date_part('epoch', now() - c.last_success_at))::float8 as success_age_seconds
from monitoring.collector_status as c
join monitoring.targets as t using (target_id)
where t.enabled
order by t.name, c.collector
