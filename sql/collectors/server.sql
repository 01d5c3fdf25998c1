-- name: server
-- reads: what the server is and has: version, start, clock, columns of views, extensions, roles of the login
-- scope: instance
-- interval: on demand
-- timeout: 2s
-- versions: 13-18
-- privileges: none
-- keeps: own
-- columns: server_version=gauge started_at=epoch in_recovery=gauge at=gauge columns=text extensions=text roles=text
--
-- The first question to a target in every run. The start of the postmaster is part of every epoch: a restart or a failover
-- begins the counters anew. The columns ($1: of which views) decide which variant of a collector fits; the version of the
-- server would be wrong after an upgrade without `alter extension … update`. The schemas of extensions come quoted, ready
-- to be written into a statement.

select
  pg_catalog.current_setting('server_version_num')::int8 as server_version,
  (pg_catalog.pg_postmaster_start_time() at time zone 'UTC')::timestamp as started_at,
  pg_catalog.pg_is_in_recovery()::bool as in_recovery,
  (pg_catalog.clock_timestamp() at time zone 'UTC')::timestamp as at,
  coalesce(
    (
      select pg_catalog.array_agg(c.relname::text || '.' || a.attname::text)
      from pg_catalog.pg_class as c
      join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relname = any($1::text[]::name[])
        and (
          c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace
          or exists (
            select 1
            from pg_catalog.pg_depend as link
            where link.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and link.objid = c.oid
              and link.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and link.deptype = 'e'
          )
        )
    ),
    '{}'
  )::text[] as columns,
  (
    select pg_catalog.jsonb_agg(
      pg_catalog.jsonb_build_object(
        'name', e.extname, 'version', e.extversion, 'schema', pg_catalog.quote_ident(n.nspname),
        'usable', pg_catalog.has_schema_privilege(n.oid, 'usage')
      )
    )
    from pg_catalog.pg_extension as e
    join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
  )::jsonb as extensions,
  coalesce(
    (
      select pg_catalog.array_agg(known.role_name)
      from pg_catalog.unnest(
        array['pg_monitor', 'pg_read_all_settings', 'pg_read_all_stats', 'pg_stat_scan_tables']
      ) as known (role_name)
      where pg_catalog.pg_has_role(session_user, known.role_name, 'usage')
    ),
    '{}'
  )::text[] as roles
