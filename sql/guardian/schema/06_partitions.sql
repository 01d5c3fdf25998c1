-- What grows with time, a partition for each month of UTC. What fits into no month goes into the default partition, so
-- that nothing fails because the months were not made ahead; guardian.ensure_partitions moves it to its month later.

create sequence guardian.audit_log_id;

create table guardian.audit_log (
  audit_id int8 not null default nextval('guardian.audit_log_id'),
  occurred_at timestamptz not null default now(),
  -- Whose request it was: null is the application itself.
  actor_id uuid,
  action text not null,
  table_name text not null,
  record_id uuid,
  -- Names of what changed, never values.
  details jsonb not null default '{}',
  created_at timestamptz not null default now(),
  primary key (audit_id, occurred_at)
) partition by range (occurred_at);

alter sequence guardian.audit_log_id owned by guardian.audit_log.audit_id;

create index audit_log_record on guardian.audit_log (record_id, occurred_at);
create index audit_log_actor on guardian.audit_log (actor_id, occurred_at);
create table guardian.audit_log_default partition of guardian.audit_log default;

create table guardian.document_stages (
  document_id uuid not null references guardian.documents (document_id) on delete cascade,
  stage text not null,
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  outcome text,
  created_at timestamptz not null default now(),
  primary key (document_id, stage, started_at),
  constraint document_stages_stage_is_known check (stage in ('received', 'scanned', 'extracted', 'classified', 'indexed')),
  constraint document_stages_outcome_is_known check (outcome in ('succeeded', 'failed')),
  constraint document_stages_end_with_an_outcome check ((ended_at is null) = (outcome is null)),
  constraint document_stages_end_after_they_begin check (ended_at >= started_at)
) partition by range (started_at);

create index document_stages_open on guardian.document_stages (started_at) where ended_at is null;
create table guardian.document_stages_default partition of guardian.document_stages default;

-- Makes the partitions of every month from `since` to so many months from now on, and answers how many were made.
create function guardian.ensure_partitions(months_ahead int8 default 3, since timestamptz default now())
  returns int8
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $function$
declare
  parent text;
  control text;
  partition_name text;
  month timestamptz;
  made int8 := 0;
begin
  if months_ahead is null or months_ahead not between 0 and 120 then
    raise exception 'cannot make partitions % months ahead', months_ahead using hint = 'Give a number from 0 to 120.';
  end if;
  for parent, control in values ('audit_log', 'occurred_at'), ('document_stages', 'started_at') loop
    for month in
      select generate_series(
        date_trunc('month', since), date_trunc('month', now()) + months_ahead * interval '1 month', interval '1 month'
      )
    loop
      partition_name := parent || to_char(month, '_YYYYMM');
      continue when to_regclass(format('guardian.%I', partition_name)) is not null;
      -- Made apart and attached: `create table … partition of` would lock out the readers of the parent.
      execute format('create table guardian.%I (like guardian.%I including defaults including constraints)', partition_name, parent);
      execute format('alter table guardian.%I enable row level security', partition_name);
      -- The rows that came before their month was made, and none after them.
      execute format('lock table guardian.%I in share row exclusive mode', parent || '_default');
      execute format(
        'with moved as (
           delete from guardian.%1$I where %2$I >= %3$L and %2$I < %4$L returning *
         )
         insert into guardian.%5$I select * from moved',
        parent || '_default', control, month, month + interval '1 month', partition_name
      );
      execute format(
        'alter table guardian.%I attach partition guardian.%I for values from (%L) to (%L)',
        parent, partition_name, month, month + interval '1 month'
      );
      made := made + 1;
    end loop;
  end loop;
  return made;
end
$function$;

alter table guardian.audit_log_default enable row level security;
alter table guardian.document_stages_default enable row level security;

select guardian.ensure_partitions(3);
