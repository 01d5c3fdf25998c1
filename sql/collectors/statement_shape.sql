-- name: statement_shape
-- reads: where pg_stat_statements is and which columns it has; no row where the extension is not created
-- interval: 15s
-- timeout: 2s
-- versions: 13-18
-- privileges: none
-- columns: extension_schema=text extension_version=text columns=text reads_all=gauge usable=gauge
--
-- The columns decide which variant of a statement collector fits. The version of the server would be wrong after an
-- upgrade without `alter extension … update`. The schema comes quoted, ready to be written into a statement.

select
  pg_catalog.quote_ident(n.nspname)::text as extension_schema,
  e.extversion::text as extension_version,
  coalesce(
    (
      select pg_catalog.array_agg(argument.name order by argument.position)
      from rows from (pg_catalog.unnest(p.proargnames), pg_catalog.unnest(p.proargmodes))
        with ordinality as argument (name, mode, position)
      where argument.mode in ('o', 't')
    ),
    '{}'
  )::text[] as columns,
  pg_catalog.pg_has_role(session_user, 'pg_read_all_stats', 'usage')::bool as reads_all,
  pg_catalog.has_schema_privilege(n.oid, 'usage')::bool as usable
from pg_catalog.pg_extension as e
join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
join pg_catalog.pg_depend as link
  on link.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and link.refobjid = e.oid
  and link.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and link.deptype = 'e'
join pg_catalog.pg_proc as p on p.oid = link.objid and p.proname = 'pg_stat_statements'
where e.extname = 'pg_stat_statements'
