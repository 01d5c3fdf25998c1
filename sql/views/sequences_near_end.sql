-- shows: sequences that run out, by how much is used up and when the rest is at the rate of the last month
--
-- Half used is info, 75 % warning, 90 % critical; so is an end within a year, 90 days, 30 days. A sequence that begins
-- again at its end is left out, one that the login may not read is not known.
create function monitoring.sequences_near_end(
  target text default null,
  at timestamptz default now()
)
  returns table (
    target text, severity text, sequence text, owned_by text, used_percent float8, remaining int8,
    used_per_day float8, days_until_end float8, unknown_because text, advice text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $function$
  with watched as (
    select t.target_id, t.name from monitoring.targets as t
     where (sequences_near_end.target is null or t.name = sequences_near_end.target) and t.enabled
  ),
  seen as (
    select w.name, d.days, l.subject_id, l.labels, l.texts ->> 'unknown_because' as unknown_because,
           monitoring.number_of(l.numbers, l.columns, 'used_permille') as permille,
           monitoring.number_of(l.numbers, l.columns, 'remaining') as remaining
      from watched as w
      cross join (values (0), (1), (7), (30)) as d (days)
      cross join lateral monitoring.last_samples(
        w.target_id, 'sequences', sequences_near_end.at - d.days * interval '1 day'
      ) as l
     where monitoring.number_of(l.numbers, l.columns, 'cycles') is distinct from 1
  ),
  rates as (
    select n.name, n.labels, n.unknown_because, n.permille, n.remaining,
           (array_agg((p.remaining - n.remaining) / p.days::float8 order by p.days desc)
             filter (where p.remaining >= n.remaining))[1] as per_day
      from seen as n
      left join seen as p on p.subject_id = n.subject_id and p.days > 0
     where n.days = 0
     group by n.name, n.subject_id, n.labels, n.unknown_because, n.permille, n.remaining
  ),
  judged as (
    select r.*, r.remaining / nullif(r.per_day, 0) as days_left,
           case
             when r.permille is null then null
             else greatest(
               case when r.permille >= 900 then 3 when r.permille >= 750 then 2 when r.permille >= 500 then 1 else 0 end,
               case when r.remaining < 30 * r.per_day then 3 when r.remaining < 90 * r.per_day then 2
                 when r.remaining < 365 * r.per_day then 1 else 0 end
             )
           end as rank
      from rates as r
  )
  select j.name, coalesce((array['ok', 'info', 'warning', 'critical'])[1 + j.rank], 'unknown'),
         concat_ws('.', j.labels ->> 'schema', j.labels ->> 'sequence'), j.labels ->> 'owned_by',
         j.permille / 10.0::float8, j.remaining, j.per_day, j.days_left, j.unknown_because,
         case
           when j.rank is null then
             'grant select on sequence '
             || concat_ws('.', quote_ident(j.labels ->> 'schema'), quote_ident(j.labels ->> 'sequence')) || ' to the login'
           when j.rank > 0 then
             'make the column that it feeds (' || coalesce(nullif(j.labels ->> 'owned_by', ''), 'look for its default')
             || ') a bigint before it is needed: a rewrite of the table, or a new column that a trigger fills; then alter '
             || 'sequence ' || concat_ws('.', quote_ident(j.labels ->> 'schema'), quote_ident(j.labels ->> 'sequence'))
             || ' as bigint'
         end
    from judged as j
   where j.rank is distinct from 0
   order by j.rank desc nulls last, j.days_left nulls last, j.name, 3
$function$;
