-- A relationship joins two records of one patient that are there when it is made. Nothing holds them there: what is
-- removed later, or came in bulk mode, leaves orphans, which guardian.find_orphans finds.

create function guardian.check_relationship()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
declare
  joined record;
  is_there bool;
begin
  for joined in
    select e.end_name, e.table_name, e.key_column, e.record_id
      from guardian.relationship_types as t
      cross join lateral (values
        ('source', t.source_table, t.source_key, new.source_id), ('target', t.target_table, t.target_key, new.target_id)
      ) as e (end_name, table_name, key_column, record_id)
     where t.relationship_type = new.relationship_type
  loop
    execute format(
      'select exists (select 1 from guardian.%I where %I = $1 and patient_id = $2)',
      joined.table_name, joined.key_column
    ) into is_there using joined.record_id, new.patient_id;
    if not is_there then
      raise exception 'relationship % has no % in table % of its patient',
        new.relationship_type, joined.end_name, joined.table_name
        using errcode = 'foreign_key_violation',
              hint = 'Make both records first, or load them together in bulk mode (guardian.begin_bulk).';
    end if;
  end loop;
  return new;
end
$function$;

create trigger record_relationships_join_records
  before insert or update of relationship_type, patient_id, source_id, target_id on guardian.record_relationships
  for each row when (not guardian.in_bulk_mode())
  execute function guardian.check_relationship();
