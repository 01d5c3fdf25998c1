-- Who asks, and whose records they may see. The policies use these, each once per statement: as `(select f())` or
-- `in (select f())`, which PostgreSQL evaluates before the first row, never for each row.

-- The user of the request, from its token: what `auth.uid()` is on Supabase. Null without a token.
create function guardian.current_user_id()
  returns uuid
  language sql
  stable
  parallel safe
as $function$
  select pg_catalog.jsonb_extract_path_text(
    nullif(pg_catalog.current_setting('request.jwt.claims', true), '')::pg_catalog.jsonb, 'sub'
  )::pg_catalog.uuid
$function$;

-- The functions below look into tables whose policies use them: they run with the rights of the owner of the tables,
-- to whom no policy applies. In plpgsql, because a pooled session keeps its plans.

create function guardian.own_patient_id()
  returns uuid
  language plpgsql
  stable
  parallel safe
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
begin
  return (select p.patient_id from guardian.patients as p where p.profile_id = guardian.current_user_id());
end
$function$;

create function guardian.own_provider_id()
  returns uuid
  language plpgsql
  stable
  parallel safe
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
begin
  return (select p.provider_id from guardian.providers as p where p.profile_id = guardian.current_user_id());
end
$function$;

-- Whether the user administers the application: people, the registry, the audit log. Records are not part of it.
create function guardian.is_administrator()
  returns bool
  language plpgsql
  stable
  parallel safe
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
begin
  return exists (
    select 1 from guardian.profiles as p where p.profile_id = guardian.current_user_id() and p.role = 'admin'
  );
end
$function$;

-- The patients whose records the user may read: themselves, and those that let them as a provider.
create function guardian.readable_patients()
  returns setof uuid
  language plpgsql
  stable
  parallel safe
  security definer
  rows 100
  set search_path = pg_catalog, pg_temp
as $function$
begin
  return query
    select p.patient_id from guardian.patients as p where p.profile_id = guardian.current_user_id()
    union all
    select g.patient_id
      from guardian.providers as p
      join guardian.access_grants as g using (provider_id)
     where p.profile_id = guardian.current_user_id()
       and g.revoked_at is null and (g.expires_at is null or g.expires_at > now());
end
$function$;

-- The patients to whose records the user may add.
create function guardian.writable_patients()
  returns setof uuid
  language plpgsql
  stable
  parallel safe
  security definer
  rows 100
  set search_path = pg_catalog, pg_temp
as $function$
begin
  return query
    select p.patient_id from guardian.patients as p where p.profile_id = guardian.current_user_id()
    union all
    select g.patient_id
      from guardian.providers as p
      join guardian.access_grants as g using (provider_id)
     where p.profile_id = guardian.current_user_id() and g.level = 'write'
       and g.revoked_at is null and (g.expires_at is null or g.expires_at > now());
end
$function$;
