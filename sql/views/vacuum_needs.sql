-- shows: tables that vacuum or analyze does not keep up with, and why
--
-- The pressure is how far a table is on the way to its own autovacuum, with its own settings (1: autovacuum has reason to
-- come). At twice its trigger it does not keep up: info; at five times warning; where autovacuum is turned off, or the
-- freeze is a tenth overdue, warning from the trigger on.
create function monitoring.vacuum_needs(
  target text default null,
  at timestamptz default now(),
  minimum_dead_rows int8 default 1000
)
  returns table (
    target text, severity text, table_name text, needs text, pressure float8, dead_rows int8, dead_percent float8,
    last_vacuum timestamptz, last_analyze timestamptz, autovacuum_disabled bool, size_bytes int8, held_by text,
    advice text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $function$
  with watched as (
    select t.target_id, t.name from monitoring.targets as t
     where (vacuum_needs.target is null or t.name = vacuum_needs.target) and t.enabled
  ),
  tables as (
    select w.target_id, w.name, l.labels ->> 'schema' as schema_name, l.labels ->> 'table' as table_name,
           monitoring.number_of(l.numbers, l.columns, 'dead_rows') as dead_rows,
           monitoring.number_of(l.numbers, l.columns, 'live_rows') as live_rows,
           monitoring.number_of(l.numbers, l.columns, 'estimated_bytes') as bytes,
           to_timestamp(greatest(
             monitoring.number_of(l.numbers, l.columns, 'last_vacuum_at_seconds'),
             monitoring.number_of(l.numbers, l.columns, 'last_autovacuum_at_seconds')
           )) as vacuumed,
           to_timestamp(greatest(
             monitoring.number_of(l.numbers, l.columns, 'last_analyze_at_seconds'),
             monitoring.number_of(l.numbers, l.columns, 'last_autoanalyze_at_seconds')
           )) as analyzed
      from watched as w
      cross join lateral monitoring.last_samples(w.target_id, 'tables', vacuum_needs.at) as l
  ),
  pressures as (
    select w.target_id, l.labels ->> 'schema' as schema_name, l.labels ->> 'table' as table_name, p.needs,
           monitoring.number_of(l.numbers, l.columns, p.of_column) / 1000.0 as pressure,
           monitoring.number_of(l.numbers, l.columns, 'autovacuum_disabled') = 1 as disabled
      from watched as w
      cross join lateral monitoring.last_samples(w.target_id, 'vacuum', vacuum_needs.at) as l
      cross join (
        values ('vacuum', 'vacuum_pressure_permille'), ('vacuum of inserts', 'insert_vacuum_pressure_permille'),
          ('analyze', 'analyze_pressure_permille'), ('freeze', 'freeze_pressure_permille')
      ) as p (needs, of_column)
  ),
  holders as (
    select w.target_id, (array_agg(x.holder order by x.age desc))[1] as holder
      from watched as w
      cross join lateral (
        select concat_ws(' ', l.labels ->> 'holder', l.labels ->> 'name') as holder,
               monitoring.number_of(l.numbers, l.columns, 'age_xids') as age
          from monitoring.last_samples(w.target_id, 'xmin_horizon', vacuum_needs.at) as l
      ) as x
     -- A horizon that is a million transactions behind keeps what vacuum would remove.
     where x.age >= 1000000
     group by w.target_id
  ),
  judged as (
    select t.*, p.needs, p.pressure, p.disabled, h.holder,
           case
             when p.needs = 'freeze' then case when p.pressure >= 1.25 then 3 when p.pressure >= 1.1 then 2 else 0 end
             when p.needs = 'vacuum' and coalesce(t.dead_rows, 0) < vacuum_needs.minimum_dead_rows then 0
             when p.disabled and p.pressure >= 1 then 2
             when p.pressure >= 5 then 2
             when p.pressure >= 2 then 1
             else 0
           end as rank
      from pressures as p
      join tables as t using (target_id, schema_name, table_name)
      left join holders as h using (target_id)
  )
  select j.name, (array['ok', 'info', 'warning', 'critical'])[1 + j.rank], concat_ws('.', j.schema_name, j.table_name),
         j.needs, j.pressure::float8, j.dead_rows, 100 * j.dead_rows / nullif(j.dead_rows + j.live_rows, 0)::float8,
         j.vacuumed, j.analyzed, j.disabled, j.bytes, case when j.needs like 'vacuum%' then j.holder end,
         case j.needs
           when 'analyze' then
             'its statistics are stale and plans may be bad: analyze '
             || concat_ws('.', quote_ident(j.schema_name), quote_ident(j.table_name))
           else
             case
               when j.disabled and j.needs <> 'freeze' then
                 'autovacuum is turned off for it: alter table '
                 || concat_ws('.', quote_ident(j.schema_name), quote_ident(j.table_name))
                 || ' reset (autovacuum_enabled); '
               when j.holder is not null then
                 j.holder || ' keeps dead rows from being removed: end it first; '
               else ''
             end
             || 'vacuum (analyze, verbose) ' || concat_ws('.', quote_ident(j.schema_name), quote_ident(j.table_name))
             || case when j.disabled or j.holder is not null then '' else
               '; then let autovacuum come earlier: alter table '
               || concat_ws('.', quote_ident(j.schema_name), quote_ident(j.table_name))
               || ' set (autovacuum_vacuum_scale_factor = 0.02), or give it more workers and cost limit' end
         end
    from judged as j
   where j.rank > 0
   order by j.rank desc, j.pressure desc, j.name, j.schema_name, j.table_name, j.needs
$function$;
