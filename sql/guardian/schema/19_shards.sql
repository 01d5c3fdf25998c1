-- Which shard a patient would be on, and how even that is.

-- The shard of a key, from 1 to `shards`. The same on every version and machine: the first 32 bits of its SHA-256, as an
-- unsigned number, modulo the shards. Twice as many shards split each in two and move nothing between the others.
create function guardian.shard_of(key uuid, shards int8)
  returns int8
  language sql
  immutable
  strict
  parallel safe
as $function$
  select ('x' || pg_catalog.substr(pg_catalog.encode(pg_catalog.sha256(pg_catalog.uuid_send(key)), 'hex'), 1, 8))
    ::pg_catalog.bit(32)::pg_catalog.int8 % shards + 1
$function$;

-- What each shard would hold, compared with the mean, and what to do. The bytes of a patient are its rows by what a row
-- of each table takes with its indexes. More than 1.5 times the mean is a warning, more than 1.2 times info; with fewer
-- than 20 patients to a shard there is nothing to say.
create function guardian.shard_balance(shards int8 default 10)
  returns table (
    shard int8, severity text, patients int8, records int8, bytes int8, of_mean float8, largest_patient uuid,
    largest_percent float8, advice text
  )
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
begin
  if shards is null or shards < 2 then
    raise exception 'cannot compare % shards', shards using hint = 'Give a number from 2 on.';
  end if;
  return query
    with records_of as (
      select 'timeline_events' as table_name, t.patient_id, count(*) as number from guardian.timeline_events as t group by 2
      union all
      select 'documents', t.patient_id, count(*) from guardian.documents as t group by 2
      union all
      select 'clinical_events', t.patient_id, count(*) from guardian.clinical_events as t group by 2
      union all
      select 'medications', t.patient_id, count(*) from guardian.medications as t group by 2
      union all
      select 'conditions', t.patient_id, count(*) from guardian.conditions as t group by 2
      union all
      select 'allergies', t.patient_id, count(*) from guardian.allergies as t group by 2
      union all
      select 'lab_results', t.patient_id, count(*) from guardian.lab_results as t group by 2
      union all
      select 'provider_interactions', t.patient_id, count(*) from guardian.provider_interactions as t group by 2
      union all
      select 'record_relationships', t.patient_id, count(*) from guardian.record_relationships as t group by 2
    ),
    tables as (
      select r.table_name,
             pg_total_relation_size(format('guardian.%I', r.table_name)) / sum(r.number)::float8 as row_bytes
        from records_of as r
       group by r.table_name
    ),
    of_patients as (
      select p.patient_id, guardian.shard_of(p.patient_id, shards) as shard_number,
             coalesce(sum(r.number), 0)::int8 as number, coalesce(sum(r.number * t.row_bytes), 0) as size
        from guardian.patients as p
        left join records_of as r on r.patient_id = p.patient_id
        left join tables as t on t.table_name = r.table_name
       group by p.patient_id
    ),
    of_shards as (
      select s.shard_number, count(p.patient_id) as patient_count, coalesce(sum(p.number), 0)::int8 as number,
             coalesce(sum(p.size), 0) as size, coalesce(max(p.size), 0) as largest_size,
             (array_agg(p.patient_id order by p.size desc))[1] as largest
        from generate_series(1, shards) as s (shard_number)
        left join of_patients as p on p.shard_number = s.shard_number
       group by s.shard_number
    ),
    compared as (
      select s.*, avg(s.size) over () as mean, sum(s.patient_count) over () as all_patients,
             first_value(s.shard_number) over (order by s.size, s.shard_number) as emptiest
        from of_shards as s
    ),
    judged as (
      select c.*,
             case
               when c.mean = 0 or c.all_patients < 20 * shards then 'unknown'
               when c.size > 1.5 * c.mean then 'warning'
               when c.size > 1.2 * c.mean then 'info'
               else 'ok'
             end as level,
             -- How many of its average patients are the surplus.
             ceil((c.size - c.mean) / nullif(c.size / nullif(c.patient_count, 0), 0)) as surplus
        from compared as c
    )
    select j.shard_number, j.level, j.patient_count, j.number, j.size::int8, j.size / nullif(j.mean, 0), j.largest,
           100 * j.largest_size / nullif(j.size, 0),
           case
             when j.level = 'unknown' then 'there are too few patients to judge: it takes 20 to a shard'
             when j.level = 'ok' then 'nothing to do'
             when j.size - j.largest_size <= 1.2 * j.mean then
               format(
                 'one patient is %s %% of it: give that patient a shard of its own; splitting this one would not help',
                 round((100 * j.largest_size / j.size)::numeric)
               )
             when j.level = 'warning' then
               format('split it, or move about %s of its patients to shard %s, the emptiest', j.surplus, j.emptiest)
             else format('watch it: to even it out, about %s of its patients would move to shard %s', j.surplus, j.emptiest)
           end
      from judged as j
     order by j.size desc, j.shard_number;
end
$function$;
