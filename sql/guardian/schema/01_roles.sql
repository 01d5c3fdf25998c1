-- The schema, and the roles of the application. On Supabase they are there already and are left as they are; elsewhere
-- they are made, without a login: a request takes one of them by `set local role`.

do $block$
declare
  application_role text;
begin
  foreach application_role in array array['anon', 'authenticated', 'service_role'] loop
    if not exists (select 1 from pg_catalog.pg_roles where rolname = application_role) then
      begin
        execute format('create role %I nologin noinherit', application_role);
      exception
        -- Roles belong to the server: another database may have made it a moment ago.
        when duplicate_object or unique_violation then null;
      end;
    end if;
    -- Since PostgreSQL 16 who makes a role is a member of it that may not take it.
    if not pg_has_role(
      current_user, application_role,
      case when current_setting('server_version_num')::int4 >= 160000 then 'SET' else 'MEMBER' end
    ) then
      execute format('grant %I to current_user', application_role);
    end if;
  end loop;
end
$block$;

create schema guardian;
