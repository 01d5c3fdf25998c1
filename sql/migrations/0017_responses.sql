-- What is done about alerts without asking anybody: which actions a rule may name, and the journal of what was done.
--
-- The actions themselves are in the program (vitals::response): no statement text comes from a table.

create function monitoring.is_number_within(value jsonb, lowest int8, highest int8)
  returns bool
  language sql
  immutable
  parallel safe
as $function$
  select value is null or case when pg_catalog.jsonb_typeof(value) = 'number'
    then (value #>> '{}')::numeric between lowest and highest
      and pg_catalog.strpos(value #>> '{}', '.') = 0
    else false
  end
$function$;

create function monitoring.is_name(value jsonb)
  returns bool
  language sql
  immutable
  parallel safe
as $function$
  select pg_catalog.jsonb_typeof(value) = 'string'
    and pg_catalog.octet_length(value #>> '{}') between 1 and 63
$function$;

create function monitoring.is_truth(value jsonb)
  returns bool
  language sql
  immutable
  parallel safe
as $function$
  select value is null or pg_catalog.jsonb_typeof(value) = 'boolean'
$function$;

create function monitoring.is_response(action text, arguments jsonb)
  returns bool
  language sql
  immutable
  parallel safe
as $function$
  select coalesce(
    case when pg_catalog.jsonb_typeof(arguments) = 'object' then
      monitoring.is_number_within(arguments -> 'at_most_per_hour', 1, 100)
      and monitoring.is_number_within(arguments -> 'repeat_after_seconds', 60, 86400)
      and monitoring.is_truth(arguments -> 'dry_run')
      and case action
        when 'analyze_table' then
          specific.own = '{}'
          or (
            specific.own - 'schema' - 'table' = '{}'
            and monitoring.is_name(arguments -> 'schema') and monitoring.is_name(arguments -> 'table')
          )
        when 'refresh_cache_queue' then specific.own = '{}'
        when 'run_maintenance' then specific.own = '{"task": "retention"}'
        when 'terminate_idle_in_transaction' then
          specific.own - 'older_than_seconds' - 'all_databases' = '{}'
          and arguments ? 'older_than_seconds'
          and monitoring.is_number_within(arguments -> 'older_than_seconds', 5, 86400)
          and monitoring.is_truth(arguments -> 'all_databases')
        else false
      end
    end,
    false
  )
  from (
    -- Nothing can be taken out of what is no object.
    select case when pg_catalog.jsonb_typeof(arguments) = 'object' then
      arguments - 'at_most_per_hour' - 'repeat_after_seconds' - 'dry_run'
    end
  ) as specific (own)
$function$;

comment on function monitoring.is_response(text, jsonb) is 'whether the program would take this action with these arguments';

alter table monitoring.rules
  add constraint rules_response_is_allowed check (
    case when response is null then response_arguments = '{}' else monitoring.is_response(response, response_arguments) end
  );

-- When everything is started again after a night, each function has its turn before it is missed.
update monitoring.rules set for_seconds = 90 where rule_id = 'function_stale' and for_seconds = 0;

create table monitoring.response_runs (
  run_id int8 generated always as identity primary key,
  alert_id int8 not null references monitoring.alerts on delete cascade,
  target_id int4 not null references monitoring.targets on delete cascade,
  action text not null,
  arguments jsonb not null,
  dry_run bool not null,
  state text not null default 'queued',
  queued_at timestamptz not null default now(),
  started_at timestamptz,
  ended_at timestamptz,
  lease_until timestamptz,
  allowance int8,
  affected int8,
  result text,
  constraint response_runs_state_is_known check (state in ('queued', 'running', 'done', 'failed', 'refused')),
  -- Some are refused before they are begun, some when they turn out not to be possible.
  constraint response_runs_begin_at_a_time check (
    case state when 'queued' then started_at is null when 'refused' then true else started_at is not null end
    and (started_at is null) = (allowance is null)
  ),
  constraint response_runs_are_leased_while_they_run check ((state = 'running') = (lease_until is not null)),
  constraint response_runs_end_at_a_time check ((state in ('done', 'failed', 'refused')) = (ended_at is not null)),
  constraint response_runs_say_what_came_of_them check ((ended_at is null) = (result is null)),
  constraint response_runs_keep_their_limit check (affected between 0 and allowance)
);

comment on table monitoring.response_runs is 'The journal of automatic responses: what was done about which alert, or why it was not.';
comment on column monitoring.response_runs.allowance is 'how much of it might be done; it counts against the limit of the hour until it is known how much was';
comment on column monitoring.response_runs.affected is 'how much of it was done; null: not known';

-- The promise that no evaluator can break, however many run at once: one response of an alert at a time.
create unique index response_runs_one_open on monitoring.response_runs (alert_id) where state in ('queued', 'running');
create index response_runs_alert on monitoring.response_runs (alert_id, run_id);
create index response_runs_limit on monitoring.response_runs (target_id, action, started_at);
