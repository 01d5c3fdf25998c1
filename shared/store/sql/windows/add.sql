-- Adds a maintenance window, or changes the one of that name: $1 name, $2 matchers, $3 schedule, $4 time zone, $5 seconds
-- it lasts, $6 the reason.
insert into monitoring.maintenance_windows (name, matchers, schedule, time_zone, duration_seconds, reason)
values ($1, $2::jsonb, $3, $4, $5::int8::int4, $6)
on conflict (name) do update
  set matchers = excluded.matchers, schedule = excluded.schedule, time_zone = excluded.time_zone,
      duration_seconds = excluded.duration_seconds, reason = excluded.reason
