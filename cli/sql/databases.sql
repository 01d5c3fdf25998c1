-- The databases of a server that a login may connect to, the oldest first, so that a new one changes the
-- name of no other target. Templates and closed databases are left out.
select d.datname::text as database
from pg_catalog.pg_database as d
where d.datallowconn and not d.datistemplate and pg_catalog.has_database_privilege(d.oid, 'connect')
order by d.oid
