-- Who changed what: a row of the audit log for each row of the record that was made, changed or removed. Of a change it
-- keeps the names of the columns, never their values. In bulk mode the operation has one row.

-- The argument of the trigger is the key of its table.
create function guardian.write_audit()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
declare
  changed jsonb := to_jsonb(case when tg_op = 'DELETE' then old else new end);
  columns jsonb;
begin
  if tg_op = 'UPDATE' then
    select jsonb_agg(now_row.key order by now_row.key) into columns
      from jsonb_each(changed) as now_row
      join jsonb_each(to_jsonb(old)) as old_row using (key)
     where now_row.value <> old_row.value;
  end if;
  insert into guardian.audit_log (actor_id, action, table_name, record_id, details)
  values (
    guardian.current_user_id(), lower(tg_op), tg_table_name, (changed ->> tg_argv[0])::uuid,
    case when columns is null then '{}' else jsonb_build_object('columns', columns) end
  );
  return null;
end
$function$;

do $block$
declare
  audited record;
begin
  for audited in
    select * from (values
      ('access_grants', 'access_grant_id'), ('documents', 'document_id'), ('clinical_events', 'clinical_event_id'),
      ('medications', 'medication_id'), ('conditions', 'condition_id'), ('allergies', 'allergy_id'),
      ('lab_results', 'lab_result_id')
    ) as t (table_name, key_column)
  loop
    execute format(
      'create trigger audit after insert or update or delete on guardian.%I
         for each row when (not guardian.in_bulk_mode()) execute function guardian.write_audit(%L)',
      audited.table_name, audited.key_column
    );
  end loop;
end
$block$;
