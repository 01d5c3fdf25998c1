-- The roles of pgvitals. Idempotent; run before the migrations by somebody who may create roles (a superuser, or a
-- role with CREATEROLE such as `postgres` on Supabase). Passwords are set apart, as SCRAM verifiers, so that no
-- password ever reaches a server log.
--
-- In the monitoring database:
--
--   pgvitals_owner        owns the schema monitoring; let in for the time of a migration only
--   pgvitals_writer       collect-stats and run-maintenance: writes samples
--   pgvitals_alerter      check-alerts, deliver-notifications and run-responses: writes alerts and messages
--   pgvitals_manager      manage-alerts: rules, silences, acknowledgements
--   pgvitals_viewer       health and export-metrics: reads
--   pgvitals_operator     the command: targets, channels and everything else that people set
--
-- On watched servers:
--
--   pgvitals_collector    reads statistics by pg_monitor; nothing in the schema monitoring
--   pgvitals_maintenance  does what rules ask for, with rights of its own; calls the retention of the monitoring database

do $roles$
declare
  role_names constant text[] := array[
    'pgvitals_owner', 'pgvitals_writer', 'pgvitals_alerter', 'pgvitals_manager', 'pgvitals_viewer', 'pgvitals_operator',
    'pgvitals_collector', 'pgvitals_maintenance'
  ];
  role_name text;
  powerful text;
begin
  -- A role of one of these names that can do more than ours was made by somebody else, for a purpose of theirs.
  select r.rolname into powerful
  from pg_catalog.pg_roles as r
  where r.rolname = any (role_names)
    and (r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolreplication or r.rolbypassrls)
  limit 1;
  if found then
    raise exception 'role % exists and can do more than it should', powerful
      using errcode = 'invalid_role_specification',
        hint = pg_catalog.format(
          'find out who made it, then: alter role %I nosuperuser nocreaterole nocreatedb noreplication nobypassrls', powerful
        );
  end if;
  foreach role_name in array role_names loop
    if not exists (select 1 from pg_catalog.pg_roles where rolname = role_name) then
      begin
        execute pg_catalog.format('create role %I nologin', role_name);
      exception when duplicate_object or unique_violation then
        -- Roles are shared by all databases of a server: another one was set up at the same moment.
        null;
      end;
    end if;
  end loop;
end
$roles$;

-- To create objects that pgvitals_owner owns, the migrating role must be a member of it.
do $membership$
begin
  if not pg_catalog.pg_has_role(current_user, 'pgvitals_owner', 'usage') then
    grant pgvitals_owner to current_user;
  end if;
end
$membership$;

-- Statistics of all users, without superuser.
do $monitor$
begin
  if not pg_catalog.pg_has_role('pgvitals_collector', 'pg_monitor', 'usage') then
    grant pg_monitor to pgvitals_collector;
  end if;
exception when insufficient_privilege then
  raise exception 'role % may not grant pg_monitor', current_user
    using errcode = 'insufficient_privilege', hint = 'ask a superuser to run: grant pg_monitor to pgvitals_collector';
end
$monitor$;

-- Defaults of a login beat those of a database: nobody who owns one decides where the names in our statements lead, or how
-- long a transaction of ours may take before it has said so itself. What else changes the meaning of a statement every unit of work sets (shared/db, pinned).
do $defaults$
declare
  role_names constant text[] := array[
    'pgvitals_owner', 'pgvitals_writer', 'pgvitals_alerter', 'pgvitals_manager', 'pgvitals_viewer', 'pgvitals_operator',
    'pgvitals_collector', 'pgvitals_maintenance'
  ];
  login text;
begin
  foreach login in array role_names loop
    execute pg_catalog.format('alter role %I set search_path = pg_catalog, pg_temp', login);
    if pg_catalog.current_setting('transaction_timeout', true) is not null then
      execute pg_catalog.format('alter role %I set transaction_timeout = 0', login);
    end if;
  end loop;
end
$defaults$;
