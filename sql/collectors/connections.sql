-- name: connections
-- reads: pg_stat_activity: sessions by database, user, application, backend type and state, with the ages of the oldest
-- scope: instance
-- interval: 60s
-- timeout: 2s
-- versions: 13-18
-- privileges: pg_read_all_stats
-- columns: database=key user_name=key application=key backend_type=key state=key sessions=gauge
-- columns: oldest_transaction_ms=gauge oldest_statement_ms=gauge oldest_state_ms=gauge oldest_session_ms=gauge
--
-- The keys are bounded: what is not among the 200 largest groups is counted in the group `(other)`. Applications write
-- numbers, ids, tokens and mail addresses into their names: each becomes `#`, so that an application is one, whichever of
-- its processes it is, and nothing is told of whom it works for. The session that asks is left out. What is not a client
-- has no state, which is an empty text here.

with moment as materialized (
  select pg_catalog.clock_timestamp() as at
),
session as materialized (
  select
    coalesce(a.datname::text, '') as database,
    coalesce(a.usename::text, '') as user_name,
    pg_catalog.regexp_replace(
      pg_catalog.left(coalesce(a.application_name, ''), 64),
      '[^ ,|]*@[^ ,|]*|=[^ ,|]+|[[:<:]](bearer[ :]|gh[a-z]_|github_pat_|glpat-|xox[a-z]-|whsec_|eyj[0-9a-z_-]{8})[^ ,|]*'
      || '|[0-9][0-9.:/-]{6,}|[0-9a-f-]{16,}|[[:<:]](?=[a-f]*[0-9])[0-9a-f]{8,}[[:>:]]'
      || '|[[:<:]](?=[a-z_]*[0-9]+[a-z])[0-9a-z_]{12,}[[:>:]]|[0-9a-z+]{30,}|[0-9]+',
      '#',
      'gi'
    ) as application,
    coalesce(a.backend_type, '') as backend_type,
    coalesce(a.state, '') as state,
    pg_catalog.date_part('epoch', moment.at - a.xact_start) * 1000 as transaction_ms,
    pg_catalog.date_part('epoch', moment.at - a.query_start) * 1000 as statement_ms,
    pg_catalog.date_part('epoch', moment.at - a.state_change) * 1000 as state_ms,
    pg_catalog.date_part('epoch', moment.at - a.backend_start) * 1000 as session_ms
  from pg_catalog.pg_stat_activity as a
  cross join moment
  where a.pid <> pg_catalog.pg_backend_pid()
),
ranked as (
  select
    database, user_name, application, backend_type, state,
    count(*) as sessions,
    max(transaction_ms) as transaction_ms,
    max(statement_ms) filter (where state = 'active') as statement_ms,
    max(state_ms) as state_ms,
    max(session_ms) as session_ms,
    pg_catalog.row_number() over (
      order by count(*) desc, database, user_name, application, backend_type, state
    ) <= 200 as shown
  from session
  group by database, user_name, application, backend_type, state
)
select
  (case when shown then database else '(other)' end)::text as database,
  (case when shown then user_name else '(other)' end)::text as user_name,
  (case when shown then application else '(other)' end)::text as application,
  backend_type::text as backend_type,
  state::text as state,
  sum(sessions)::int8 as sessions,
  (case when max(transaction_ms) is not null then greatest(0, max(transaction_ms)) end)::int8 as oldest_transaction_ms,
  (case when max(statement_ms) is not null then greatest(0, max(statement_ms)) end)::int8 as oldest_statement_ms,
  (case when max(state_ms) is not null then greatest(0, max(state_ms)) end)::int8 as oldest_state_ms,
  (case when max(session_ms) is not null then greatest(0, max(session_ms)) end)::int8 as oldest_session_ms
from ranked
group by 1, 2, 3, 4, 5
