-- The names of functions by their oids ($1), and whether PostgreSQL may evaluate them once for a statement.
select p.oid::int8 as function_oid, p.oid::pg_catalog.regproc::text as function_name, p.provolatile::text as volatility
from pg_catalog.pg_proc as p
where p.oid::int8 = any ($1::int8[])
