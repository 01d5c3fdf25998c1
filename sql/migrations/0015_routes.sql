-- Who is told of alerts, and when nobody is: routes, silences, maintenance windows; what each channel was told; and what
-- an alert has to remember for it.

-- --- Matchers ----------------------------------------------------------------------------------------------------------

-- A list of matchers: [{"label": "severity", "operator": "=", "value": "critical"}]. Patterns are checked by who reads them.
create function monitoring.are_matchers(matchers jsonb)
  returns bool
  language sql
  immutable
  parallel safe
as $function$
  select case when pg_catalog.jsonb_typeof(matchers) = 'array' then not exists (
    select from pg_catalog.jsonb_array_elements(matchers) as matcher
    where not coalesce(
      pg_catalog.jsonb_typeof(matcher -> 'value') = 'string'
      and matcher ->> 'label' ~ '^[A-Za-z0-9_]+$'
      and matcher ->> 'operator' in ('=', '!=', '=~', '!~'),
      false
    )
  ) else false end
$function$;

comment on function monitoring.are_matchers(jsonb) is 'whether this is a list of matchers, which all have to fit the labels of an alert';

-- --- Routes ------------------------------------------------------------------------------------------------------------

create table monitoring.routes (
  route_id int4 generated always as identity primary key,
  name text not null unique,
  position int4 not null,
  matchers jsonb not null default '[]',
  continue bool not null default false,
  reminder_seconds int4,
  enabled bool not null default true,
  constraint routes_name_is_plain check (name ~ '^[a-z0-9][a-z0-9_.-]{0,62}$'),
  constraint routes_matchers_are_matchers check (monitoring.are_matchers(matchers)),
  constraint routes_reminder_is_sensible check (reminder_seconds between 60 and 31622400)
);

comment on table monitoring.routes is 'Which channels are told of which alerts: the first route whose matchers fit, and those after it if it says continue. Alerts that no route is for go to every channel.';
comment on column monitoring.routes.reminder_seconds is 'after how long those who were told are told again, while nobody acknowledged the alert; null: never';

create table monitoring.route_steps (
  route_id int4 not null references monitoring.routes on delete cascade,
  step int4 not null,
  after_seconds int4 not null default 0,
  channel_id int4 not null references monitoring.channels on delete cascade,
  primary key (route_id, step, channel_id),
  constraint route_steps_count_from_one check (step >= 1),
  constraint route_steps_after_is_sensible check (after_seconds between 0 and 604800)
);

comment on table monitoring.route_steps is 'Whom a route leads to: those of step 1 at once, the others once nobody acknowledged the alert for after_seconds, or at once when all before them cannot be reached.';

create index route_steps_channel on monitoring.route_steps (channel_id);

-- --- Silences and maintenance windows ----------------------------------------------------------------------------------

create table monitoring.silences (
  silence_id int8 generated always as identity primary key,
  matchers jsonb not null,
  starts_at timestamptz not null default now(),
  ends_at timestamptz not null,
  reason text not null,
  created_by text not null,
  created_at timestamptz not null default now(),
  constraint silences_matchers_are_matchers check (monitoring.are_matchers(matchers)),
  constraint silences_are_of_something check (matchers <> '[]'),
  constraint silences_end_after_they_start check (ends_at > starts_at),
  constraint silences_say_why check (reason ~ '[^[:space:]]'),
  constraint silences_say_who check (created_by ~ '[^[:space:]]')
);

comment on table monitoring.silences is 'Alerts that fit are not told from starts_at to ends_at; those that still fire then are told then.';

create index silences_end on monitoring.silences (ends_at);

create table monitoring.maintenance_windows (
  name text primary key,
  matchers jsonb not null default '[]',
  schedule text not null,
  time_zone text not null default 'UTC',
  duration_seconds int4 not null,
  reason text not null,
  enabled bool not null default true,
  constraint maintenance_windows_name_is_plain check (name ~ '^[a-z0-9][a-z0-9_.-]{0,62}$'),
  constraint maintenance_windows_matchers_are_matchers check (monitoring.are_matchers(matchers)),
  constraint maintenance_windows_schedule_has_five_fields check (schedule ~ '^[^[:space:]]+( [^[:space:]]+){4}$'),
  -- PostgreSQL refuses a time zone that it does not know.
  constraint maintenance_windows_time_zone_is_known check (
    pg_catalog.timezone(time_zone, timestamptz '2000-01-01 00:00:00+00') is not null
  ),
  constraint maintenance_windows_duration_is_sensible check (duration_seconds between 60 and 604800),
  constraint maintenance_windows_say_why check (reason ~ '[^[:space:]]')
);

comment on table monitoring.maintenance_windows is 'Silences that come again: each begins by its schedule (minute hour day month weekday, on the clocks of time_zone).';

-- --- What an alert has to remember -------------------------------------------------------------------------------------

alter table monitoring.alerts
  drop constraint alerts_state_is_known,
  alter column value drop not null,
  add column labels jsonb not null default '{}',
  add column no_data_since timestamptz,
  add column calm_since timestamptz,
  add column flap_penalty float8 not null default 0,
  add column flaps_counted_at timestamptz not null default now(),
  add column flapping bool not null default false,
  add column acknowledged_at timestamptz,
  add column acknowledged_by text,
  add column acknowledged_level text,
  add column acknowledged_note text,
  add column suppressed_by text,
  add column notification jsonb,
  add constraint alerts_state_is_known check (state in ('no_data', 'pending', 'firing', 'resolved')),
  add constraint alerts_without_data_say_since_when check (state <> 'no_data' or no_data_since is not null),
  add constraint alerts_have_a_value_or_no_data check (value is not null or no_data_since is not null or state = 'resolved'),
  add constraint alerts_penalty_is_no_reward check (flap_penalty >= 0),
  add constraint alerts_acknowledged_by_somebody check (
    (acknowledged_at is null) = (acknowledged_by is null) and (acknowledged_at is null) = (acknowledged_level is null)
  ),
  add constraint alerts_acknowledged_level_is_known check (acknowledged_level in ('warning', 'critical', 'emergency'));

comment on column monitoring.alerts.sequence is 'number of times there was something to tell: transitions, escalations, reminders';
comment on column monitoring.alerts.labels is 'what the subject belongs to: {"database": "shop"}';
comment on column monitoring.alerts.no_data_since is 'since when nothing is known of it any more; null: its value is known';
comment on column monitoring.alerts.calm_since is 'since when the value is good while the alert stays open because it flaps';
comment on column monitoring.alerts.flap_penalty is 'how often it came and went of late, as of flaps_counted_at; it halves in 15 minutes';
comment on column monitoring.alerts.acknowledged_level is 'how bad it was when it was acknowledged: if it gets worse that does not count any more';
comment on column monitoring.alerts.suppressed_by is 'why nobody is told at present: a silence, a maintenance window, or another rule';
comment on column monitoring.alerts.notification is 'what was told last';

alter table monitoring.alert_transitions alter column value drop not null;

-- Receivers join messages by their incident. One that begins again must not be ended by the late end of the one before it,
-- so that messages are in order within an incident, not only within an alert.
drop index monitoring.outbox_order;

alter table monitoring.outbox
  add column incident text generated always as (coalesce(payload ->> 'incident', alert_id::text)) stored,
  drop constraint outbox_event_is_known,
  add constraint outbox_event_is_known check (
    event in ('firing', 'level', 'resolved', 'escalated', 'reminder', 'response')
  );

create index outbox_order on monitoring.outbox (channel_id, incident, alert_id, sequence)
  where delivered_at is null and dead_at is null;

create table monitoring.alert_channels (
  alert_id int8 not null references monitoring.alerts on delete cascade,
  channel_id int4 not null references monitoring.channels on delete cascade,
  told_level text not null,
  told_sequence int4 not null,
  told_at timestamptz not null default now(),
  primary key (alert_id, channel_id),
  constraint alert_channels_level_is_known check (told_level in ('ok', 'warning', 'critical', 'emergency'))
);

comment on table monitoring.alert_channels is 'What each channel was told of an alert last. Who is told next follows from how that differs from what it should know.';

create index alert_channels_channel on monitoring.alert_channels (channel_id);

-- What was told before there was a table for it.
insert into monitoring.alert_channels (alert_id, channel_id, told_level, told_sequence, told_at)
select distinct on (m.alert_id, m.channel_id)
  m.alert_id, m.channel_id, case when m.event = 'resolved' then 'ok' else coalesce(m.payload ->> 'level', a.level) end,
  m.sequence, m.created_at
from monitoring.outbox as m
join monitoring.alerts as a using (alert_id)
order by m.alert_id, m.channel_id, m.sequence desc;
