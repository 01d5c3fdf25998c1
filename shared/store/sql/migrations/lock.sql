-- Waits until no other session migrates this database; held until the end of the transaction.
select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('pgvitals.migrations', 0))::text as locked
