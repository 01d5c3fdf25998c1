-- The statement that lets the owner of the schema in with a verifier ($1) for ten minutes.
select pg_catalog.format(
  'alter role pgvitals_owner login password %L valid until %L',
  $1::text, (pg_catalog.clock_timestamp() + interval '10 minutes')::text
)::text as statement
