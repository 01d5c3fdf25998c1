-- All maintenance windows, each with the time on the clocks of its time zone.
select
  w.name::text, w.matchers::jsonb, w.schedule::text, w.time_zone::text, w.duration_seconds::int8, w.reason::text,
  w.enabled::bool, (now() at time zone w.time_zone)::timestamp as local_now
from monitoring.maintenance_windows as w
order by w.name
