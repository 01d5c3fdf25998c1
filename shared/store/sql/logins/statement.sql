-- The statement that lets a role log in with a SCRAM verifier. The verifier is no password: who reads it in a log
-- cannot log in with it.
select pg_catalog.format('alter role %I with login password %L', $1::text, $2::text)::text as statement
