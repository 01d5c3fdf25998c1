-- Asks to be the one who decides about responses until the end of the transaction, so that limits are kept.
select
  pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('pgvitals.responses', 0))::bool as granted
