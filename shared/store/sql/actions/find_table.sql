-- A table by its schema and name ($1, $2) or as SCHEMA.TABLE ($3), the statement that analyzes it, and whether the login
-- may do that. The rule for it is the server's: the owner of the table or of the database, or who may maintain it.
select
  pg_catalog.format('analyze %I.%I', namespace.nspname, class.relname)::text as statement,
  (
    pg_catalog.pg_has_role(class.relowner, 'usage')
    or pg_catalog.pg_has_role(database.datdba, 'usage')
    -- A privilege of this name is known from PostgreSQL 17 on; asking for it on an older server would be an error.
    or case when pg_catalog.current_setting('server_version_num')::int4 >= 170000
      then pg_catalog.has_table_privilege(class.oid, 'maintain')
      else false
    end
  )::bool as may_analyze
from pg_catalog.pg_class as class
join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
cross join (
  select known.datdba from pg_catalog.pg_database as known where known.datname = pg_catalog.current_database()
) as database
where class.relkind in ('r', 'p', 'm', 'f')
  and case when $1::text is null then namespace.nspname || '.' || class.relname = $3::text
    else namespace.nspname = $1::text and class.relname = $2::text
  end
