-- Traps in the schema SCHEMA, laid by its owner, an ordinary role: under every name that PostgreSQL has an operator, a
-- function, a type or a view for, one of the same shape, and operators that fit some types better than PostgreSQL's own.
-- Whichever is called writes a line `trap NAME sprung by ROLE` to the server's log, where a read-only transaction can
-- write as well. Then it does as PostgreSQL's own would, as far as that is easily done: gives null, or what it was given.

set search_path = pg_catalog, pg_temp;
set check_function_bodies = off;
set client_min_messages = error;

create function SCHEMA.sprung(name pg_catalog.text)
  returns pg_catalog.bool
  language plpgsql
as $function$
begin
  raise log 'trap % sprung by %', name, current_user;
  return true;
end
$function$;

-- Operators: the same, and then those for mixed types, which PostgreSQL would have to convert for its own.
do $operators$
declare
  planted int8 := 0;
  it record;
begin
  for it in
    select o.oprname as name, pg_catalog.format_type(nullif(o.oprleft, 0), null) as left_type,
           pg_catalog.format_type(o.oprright, null) as right_type, pg_catalog.format_type(o.oprresult, null) as result,
           'f' || o.oid as function_name
      from pg_catalog.pg_operator as o
     where o.oprnamespace = 'pg_catalog'::pg_catalog.regnamespace and o.oprleft <> 0
    union all
    select n.name, l.name, r.name, case when n.name ~ '^[-+*/%^|]' then l.name else 'boolean' end,
           'm' || pg_catalog.row_number() over ()
      from pg_catalog.unnest(array['+', '-', '*', '/', '%', '^', '||', '=', '<>', '<', '>', '<=', '>=', '~', '!~', '~~', '@>'])
           as n (name)
     cross join pg_catalog.unnest(array[
             'smallint', 'integer', 'bigint', 'real', 'double precision', 'numeric', 'text', 'name', 'character varying',
             'oid', 'timestamp with time zone', 'timestamp without time zone', 'interval', 'jsonb', '"char"'
           ]) as l (name)
     cross join pg_catalog.unnest(array[
             'smallint', 'integer', 'bigint', 'real', 'double precision', 'numeric', 'text', 'name', 'character varying',
             'oid', 'timestamp with time zone', 'timestamp without time zone', 'interval', 'jsonb', '"char"'
           ]) as r (name)
     where not exists (
       select from pg_catalog.pg_operator as o
        where o.oprnamespace = 'pg_catalog'::pg_catalog.regnamespace and o.oprname = n.name
          and pg_catalog.format_type(nullif(o.oprleft, 0), null) = l.name
          and pg_catalog.format_type(o.oprright, null) = r.name
     )
  loop
    begin
      execute pg_catalog.format(
        'create function SCHEMA.%I(%s, %s) returns %s language plpgsql as %L',
        it.function_name, it.left_type, it.right_type, it.result,
        pg_catalog.format('begin perform SCHEMA.sprung(%L); return null; end', it.name)
      );
      execute pg_catalog.format(
        'create operator SCHEMA.%s (function = SCHEMA.%I, leftarg = %s, rightarg = %s)',
        it.name, it.function_name, it.left_type, it.right_type
      );
      planted := planted + 1;
    exception when others then
      -- What plpgsql cannot take as an argument is no trap.
      null;
    end;
  end loop;
  if planted < 2000 then
    raise exception 'only % operators were planted', planted;
  end if;
end
$operators$;

-- Functions, and aggregates under the names of PostgreSQL's own.
do $functions$
declare
  planted int8 := 0;
  it record;
begin
  for it in
    select p.proname as name, pg_catalog.pg_get_function_identity_arguments(p.oid) as arguments,
           pg_catalog.format_type(p.prorettype, null) as result, p.proretset as is_set
      from pg_catalog.pg_proc as p
     where p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace and p.prokind = 'f'
       and p.proargmodes is null and p.provariadic = 0
  loop
    begin
      execute pg_catalog.format(
        'create function SCHEMA.%I(%s) returns %s%s language plpgsql as %L',
        it.name, it.arguments, case when it.is_set then 'setof ' else '' end, it.result,
        pg_catalog.format(
          'begin perform SCHEMA.sprung(%L); return%s; end', it.name || '()',
          case when it.is_set or it.result = 'void' then '' else ' null' end
        )
      );
      planted := planted + 1;
    exception when others then
      null;
    end;
  end loop;
  if planted < 1000 then
    raise exception 'only % functions were planted', planted;
  end if;
  for it in
    select a.name, t.name as type_name
      from pg_catalog.unnest(array['sum', 'min', 'max', 'avg', 'count', 'bool_or', 'bool_and', 'array_agg']) as a (name)
     cross join pg_catalog.unnest(array[
       'integer', 'bigint', 'double precision', 'numeric', 'text', 'boolean', 'interval', 'timestamp with time zone'
     ]) as t (name)
  loop
    execute pg_catalog.format(
      'create function SCHEMA.%I(state %s, value %s) returns %s language plpgsql as %L',
      'step_' || it.name, it.type_name, it.type_name, it.type_name,
      pg_catalog.format('begin perform SCHEMA.sprung(%L); return value; end', it.name || '()')
    );
    execute pg_catalog.format(
      'create aggregate SCHEMA.%I(%s) (sfunc = SCHEMA.%I, stype = %s)',
      it.name, it.type_name, 'step_' || it.name, it.type_name
    );
  end loop;
end
$functions$;

-- Types: a domain whose check runs wherever a value is cast to it.
do $types$
declare
  type_name text;
begin
  foreach type_name in array array[
    'text', 'int2', 'int4', 'int8', 'bool', 'float4', 'float8', 'numeric', 'name', 'oid', 'jsonb', 'json', 'timestamptz',
    'timestamp', 'date', 'interval', 'bytea', 'uuid', 'inet', 'pg_lsn', 'regclass', 'varchar', 'xid'
  ] loop
    execute pg_catalog.format(
      'create domain SCHEMA.%I as pg_catalog.%I check (SCHEMA.sprung(%L))', type_name, type_name, 'type ' || type_name
    );
  end loop;
end
$types$;

-- Relations: views under the names of the catalog's.
do $relations$
declare
  it record;
begin
  for it in
    select c.relname from pg_catalog.pg_class as c
     where c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace and c.relkind in ('r', 'v')
  loop
    begin
      execute pg_catalog.format(
        'create view SCHEMA.%I as select * from pg_catalog.%I where SCHEMA.sprung(%L)', it.relname, it.relname, it.relname
      );
      execute pg_catalog.format('grant select on SCHEMA.%I to public', it.relname);
    exception when others then
      null;
    end;
  end loop;
end
$relations$;

-- Whatever is made here from now on is everybody's.
alter default privileges grant all on tables to public;
alter default privileges grant all on functions to public;
reset search_path;
reset check_function_bodies;
