-- Relationships whose source or target is gone, over all relationship types that are declared.

-- Every orphan, once: `missing` is source, target or both.
create function guardian.find_orphans()
  returns table (
    record_relationship_id int8, relationship_type text, missing text, source_table text, source_id uuid,
    target_table text, target_id uuid, created_at timestamptz
  )
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
declare
  declared guardian.relationship_types;
begin
  for declared in select t.* from guardian.relationship_types as t order by t.relationship_type loop
    return query execute format(
      'select r.record_relationship_id, r.relationship_type,
              case when t.%4$I is not null then ''source'' when s.%2$I is not null then ''target'' else ''both'' end,
              %1$L::text, r.source_id, %3$L::text, r.target_id, r.created_at
         from guardian.record_relationships as r
         left join guardian.%1$I as s on s.%2$I = r.source_id
         left join guardian.%3$I as t on t.%4$I = r.target_id
        where r.relationship_type = $1 and (s.%2$I is null or t.%4$I is null)',
      declared.source_table, declared.source_key,
      declared.target_table, declared.target_key
    ) using declared.relationship_type;
  end loop;
end
$function$;

-- Removes orphans, `batch` at a time, until none is left or `budget_ms` is spent: `finished` tells which. While a bulk
-- operation is open it removes nothing, because that may bring the other end yet.
create function guardian.remove_orphans(batch int8 default 1000, budget_ms int8 default 5000)
  returns table (removed int8, batches int8, finished bool, elapsed_ms float8)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
declare
  began timestamptz := clock_timestamp();
  declared guardian.relationship_types;
  removed_now int8;
  removed_of_type int8;
begin
  removed := 0;
  batches := 0;
  finished := false;
  if batch is null or batch < 1 then
    raise exception 'cannot remove orphans in batches of %', batch using hint = 'Give a number from 1 on.';
  end if;
  perform guardian.close_abandoned_bulk();
  if not exists (select guardian.open_bulk_operations()) then
    finished := true;
    for declared in select t.* from guardian.relationship_types as t order by t.relationship_type loop
      removed_of_type := 0;
      loop
        if clock_timestamp() > began + budget_ms * interval '1 millisecond' then
          finished := false;
          exit;
        end if;
        execute format(
          'delete from guardian.record_relationships
            where record_relationship_id in (
              select r.record_relationship_id
                from guardian.record_relationships as r
               where r.relationship_type = $1 and (
                 not exists (select 1 from guardian.%1$I as s where s.%2$I = r.source_id)
                 or not exists (select 1 from guardian.%3$I as t where t.%4$I = r.target_id)
               )
               limit $2
            )',
          declared.source_table, declared.source_key,
          declared.target_table, declared.target_key
        ) using declared.relationship_type, batch;
        get diagnostics removed_now = row_count;
        removed_of_type := removed_of_type + removed_now;
        batches := batches + 1;
        exit when removed_now < batch;
      end loop;
      removed := removed + removed_of_type;
      if removed_of_type > 0 then
        insert into guardian.audit_log (actor_id, action, table_name, details)
        values (
          guardian.current_user_id(), 'remove_orphans', 'record_relationships',
          jsonb_build_object('relationship_type', declared.relationship_type, 'rows', removed_of_type)
        );
      end if;
      exit when not finished;
    end loop;
  end if;
  if removed > 0 then
    perform guardian.queue_view_refresh('orphan_summary', 'orphans were removed');
  end if;
  elapsed_ms := 1000 * extract(epoch from clock_timestamp() - began);
  return next;
end
$function$;
