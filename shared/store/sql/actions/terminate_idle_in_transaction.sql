-- Ends sessions that have been idle in a transaction for more than $1 seconds, the longest first, $2 at most; $3 whether
-- of all databases; $4 whether only to say which. Sessions of superusers and of pgvitals itself are left alone.
with idle as materialized (
  select activity.pid, activity.usename, activity.datname, clock.now - activity.state_change as idle_for
  from (select pg_catalog.clock_timestamp()) as clock (now)
  cross join pg_catalog.pg_stat_activity as activity
  join pg_catalog.pg_roles as role on role.rolname = activity.usename
  where activity.state in ('idle in transaction', 'idle in transaction (aborted)')
    and activity.backend_type = 'client backend'
    and activity.state_change <= clock.now - $1 * interval '1 second'
    and ($3::bool or activity.datname = pg_catalog.current_database())
    and activity.pid <> pg_catalog.pg_backend_pid()
    and not role.rolsuper
    and activity.usename <> all (array[
      'pgvitals_owner', 'pgvitals_writer', 'pgvitals_alerter', 'pgvitals_manager', 'pgvitals_viewer', 'pgvitals_operator',
      'pgvitals_collector', 'pgvitals_maintenance'
    ])
  order by activity.state_change
  limit $2
)
select
  idle.pid::int8 as pid, idle.usename::text as user_name, idle.datname::text as database,
  pg_catalog.date_part('epoch', idle.idle_for)::float8 as idle_seconds,
  (case when $4::bool then false else pg_catalog.pg_terminate_backend(idle.pid) end)::bool as ended
from idle
order by idle.idle_for desc
