-- The schema, where there is none. Never `if not exists`: one that somebody made meanwhile is an error, and not ours.
do $schema$
begin
  if pg_catalog.to_regnamespace('monitoring') is null then
    create schema monitoring authorization pgvitals_owner;
  end if;
end
$schema$;
