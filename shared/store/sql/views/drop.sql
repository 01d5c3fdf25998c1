-- Drops the derived views of an earlier release, known by their comments, so that each can be made anew in any shape.
do $views$
declare
  made record;
begin
  for made in
    select p.oid::regprocedure::text as signature
    from pg_catalog.pg_proc as p
    where p.pronamespace = 'monitoring'::regnamespace
      and pg_catalog.obj_description(p.oid, 'pg_proc') like 'derived view: %'
  loop
    execute pg_catalog.format('drop function %s', made.signature);
  end loop;
end
$views$;
