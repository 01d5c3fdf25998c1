-- shows: a number of a sample by its name; null where the collector does not know it
create function monitoring.number_of(
  numbers int8[], columns text[], name text
)
  returns int8
  language sql
  immutable
as $function$
  select numbers[pg_catalog.array_position(columns, name)]
$function$;
