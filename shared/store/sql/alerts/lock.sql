-- Asks to be the one evaluator until the end of the transaction, and the time; another one at work is not waited for.
select
  pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('pgvitals.check_alerts', 0))::bool as granted,
  (now() at time zone 'UTC')::timestamp as now
