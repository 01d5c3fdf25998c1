-- Records how collectors fared: $1 a list of objects.
--
-- A collector that is skipped for the same reason as before is written once an hour: with hundreds of targets on one
-- server most of what is recorded would be that another target reads for it.
insert into monitoring.collector_status as known
  (target_id, collector, outcome, reason, rows, duration_ms, at, started_at, last_success_at)
select
  run.target_id, run.collector, run.outcome, run.reason, run.rows, run.duration_ms, now(),
  now() - run.begun_ms_ago * interval '1 millisecond',
  case when run.outcome in ('ok', 'no_data') then now() end
from pg_catalog.jsonb_to_recordset($1::jsonb) as run (
  target_id int4, collector text, outcome text, reason text, rows int8, duration_ms float8, begun_ms_ago float8
)
on conflict (target_id, collector) do update
  set outcome = excluded.outcome, reason = excluded.reason, rows = excluded.rows, duration_ms = excluded.duration_ms,
      at = excluded.at, started_at = excluded.started_at,
      last_success_at = coalesce(excluded.last_success_at, known.last_success_at)
  where excluded.outcome <> 'skipped' or known.outcome <> 'skipped' or known.reason is distinct from excluded.reason
    or known.at < now() - interval '1 hour'
