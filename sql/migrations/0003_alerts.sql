-- Rules, the alerts they open, the channels that hear of them and the outbox between.

create table monitoring.rules (
  rule_id text primary key,
  summary text not null,
  metric text not null,
  comparison text not null,
  warning float8,
  critical float8,
  emergency float8,
  resolve float8 not null,
  window_seconds int4 not null default 60,
  for_seconds int4 not null default 0,
  cooldown_seconds int4 not null default 300,
  minimum_traffic int8 not null default 0,
  runbook text,
  enabled bool not null default true,
  constraint rules_name_is_plain check (rule_id ~ '^[a-z][a-z0-9_]{0,62}$'),
  constraint rules_summary_says_something check (summary ~ '[^[:space:]]'),
  constraint rules_metric_is_known check (
    metric in ('statement_mean_ms', 'connection_use_percent', 'cache_hit_percent', 'target_down_seconds')
  ),
  constraint rules_comparison_is_known check (comparison in ('above', 'below')),
  constraint rules_have_a_threshold check (coalesce(warning, critical, emergency) is not null),
  -- NaN sorts above every number and infinity compares as one: neither is a threshold.
  constraint rules_thresholds_are_numbers check (
    coalesce(warning, 0) between -1e300 and 1e300 and coalesce(critical, 0) between -1e300 and 1e300
    and coalesce(emergency, 0) between -1e300 and 1e300 and resolve between -1e300 and 1e300
  ),
  -- Each level begins beyond the milder ones, and all is well on the good side of the mildest.
  constraint rules_thresholds_are_in_order check (
    case comparison
      when 'above' then
        coalesce(warning < critical, true) and coalesce(critical < emergency, true)
        and coalesce(warning < emergency, true) and resolve <= coalesce(warning, critical, emergency)
      else
        coalesce(warning > critical, true) and coalesce(critical > emergency, true)
        and coalesce(warning > emergency, true) and resolve >= coalesce(warning, critical, emergency)
    end
  ),
  constraint rules_window_is_sensible check (window_seconds between 1 and 86400),
  constraint rules_for_is_sensible check (for_seconds between 0 and 86400),
  constraint rules_cooldown_is_sensible check (cooldown_seconds between 0 and 86400),
  constraint rules_minimum_traffic_is_a_count check (minimum_traffic >= 0),
  constraint rules_runbook_is_a_link check (runbook is null or runbook ~ '^(https?://|/|docs/)[^[:space:]]+$')
);

comment on table monitoring.rules is 'Thresholds. An alert opens when the metric passes one and resolves at `resolve` (hysteresis).';
comment on column monitoring.rules.minimum_traffic is 'traffic in the window below which the metric says nothing: calls of the statement, or block accesses of the database';

create table monitoring.alerts (
  alert_id int8 generated always as identity primary key,
  rule_id text not null references monitoring.rules on update cascade on delete cascade,
  target_id int4 not null references monitoring.targets on delete cascade,
  subject text not null,
  subject_label text not null,
  state text not null,
  level text not null,
  value float8 not null,
  threshold float8 not null,
  pending_since timestamptz not null default now(),
  opened_at timestamptz,
  level_since timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  resolved_at timestamptz,
  sequence int4 not null default 0,
  constraint alerts_state_is_known check (state in ('pending', 'firing', 'resolved')),
  constraint alerts_level_is_known check (level in ('warning', 'critical', 'emergency')),
  constraint alerts_fire_since_a_time check (state <> 'firing' or opened_at is not null),
  constraint alerts_resolve_at_a_time check ((state = 'resolved') = (resolved_at is not null)),
  constraint alerts_sequence_counts_up check (sequence >= 0)
);

comment on column monitoring.alerts.subject is 'statement key, database, or empty for the target as a whole';
comment on column monitoring.alerts.sequence is 'number of transitions that were notified';

-- The promise that no evaluator can break, however many run at once: one open alert per rule, target and subject.
create unique index alerts_one_open on monitoring.alerts (rule_id, target_id, subject) where state <> 'resolved';
create index alerts_resolved on monitoring.alerts (resolved_at) where state = 'resolved';
create index alerts_subject on monitoring.alerts (rule_id, target_id, subject, resolved_at desc);

create table monitoring.alert_transitions (
  alert_id int8 not null references monitoring.alerts on delete cascade,
  sequence int4 not null,
  at timestamptz not null default now(),
  from_level text not null,
  to_level text not null,
  value float8 not null,
  primary key (alert_id, sequence),
  constraint alert_transitions_levels_are_known check (
    from_level in ('ok', 'warning', 'critical', 'emergency') and to_level in ('ok', 'warning', 'critical', 'emergency')
  ),
  constraint alert_transitions_move check (from_level <> to_level)
);

create table monitoring.channels (
  channel_id int4 generated always as identity primary key,
  name text not null unique,
  kind text not null,
  url text,
  secret text,
  minimum_level text not null default 'warning',
  enabled bool not null default true,
  created_at timestamptz not null default now(),
  constraint channels_name_is_plain check (name ~ '^[a-z0-9][a-z0-9_.-]{0,62}$'),
  constraint channels_kind_is_known check (kind in ('webhook', 'slack')),
  constraint channels_have_one_address check ((url is null) <> (secret is null)),
  constraint channels_url_is_a_url check (url is null or url ~ '^https?://[^[:space:]]+$'),
  constraint channels_secret_is_a_name check (secret is null or secret ~ '^[a-z0-9][a-z0-9_.-]{0,62}$'),
  constraint channels_minimum_level_is_known check (minimum_level in ('warning', 'critical', 'emergency'))
);

comment on column monitoring.channels.secret is 'name of the URL in the variable channel_urls, for URLs that are secrets themselves';

create table monitoring.outbox (
  message_id uuid primary key default gen_random_uuid(),
  alert_id int8 not null references monitoring.alerts on delete cascade,
  sequence int4 not null,
  channel_id int4 not null references monitoring.channels on delete cascade,
  event text not null,
  payload jsonb not null,
  created_at timestamptz not null default now(),
  attempts int4 not null default 0,
  next_attempt_at timestamptz not null default now(),
  lease_until timestamptz,
  delivered_at timestamptz,
  dead_at timestamptz,
  last_error text,
  unique (alert_id, sequence, channel_id),
  constraint outbox_event_is_known check (event in ('firing', 'level', 'resolved')),
  constraint outbox_payload_is_an_object check (jsonb_typeof(payload) = 'object'),
  constraint outbox_ends_once check (delivered_at is null or dead_at is null),
  constraint outbox_dead_letters_say_why check (dead_at is null or last_error is not null)
);

comment on table monitoring.outbox is 'Notifications, written in the transaction of the transition they tell of and delivered at least once afterwards.';

create index outbox_waiting on monitoring.outbox (next_attempt_at) where delivered_at is null and dead_at is null;
create index outbox_order on monitoring.outbox (alert_id, channel_id, sequence) where delivered_at is null and dead_at is null;
create index outbox_channel on monitoring.outbox (channel_id);
create index outbox_ended on monitoring.outbox (coalesce(delivered_at, dead_at)) where delivered_at is not null or dead_at is not null;
