-- What measuring needs beside the users of a load: a plan as jsonb, which an `explain` of its own does not give, for
-- whoever asks with the rights they have.
grant usage on schema guardian_load to authenticated;
create function guardian_load.explain(statement text)
  returns jsonb
  language plpgsql
as $function$
declare
  plan jsonb;
begin
  execute 'explain (analyze, verbose, timing off, buffers, format json) ' || statement into plan;
  return plan -> 0;
end
$function$;
grant execute on function guardian_load.explain(text) to authenticated;
