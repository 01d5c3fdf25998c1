-- Receivers of every kind: what a channel is set to, how its receiver is doing, and what leaves as one message.

alter table monitoring.channels
  drop constraint channels_kind_is_known,
  drop constraint channels_have_one_address,
  add column key text,
  add column settings jsonb not null default '{}',
  add column timeout_seconds int4 not null default 10,
  add column consecutive_failures int4 not null default 0,
  add column open_until timestamptz,
  add column last_error text,
  add column last_error_at timestamptz,
  add column last_success_at timestamptz,
  add constraint channels_kind_is_known check (kind in (
    'webhook', 'slack', 'discord', 'teams', 'pagerduty', 'opsgenie', 'alertmanager', 'sentry', 'github', 'resend',
    'sendgrid', 'postmark', 'telegram', 'ntfy'
  )),
  -- Where neither is given, the service has an address that everybody knows.
  add constraint channels_have_one_address check (url is null or secret is null),
  add constraint channels_without_usual_address_have_one check (
    kind not in ('webhook', 'slack', 'discord', 'teams', 'alertmanager') or url is not null or secret is not null
  ),
  add constraint channels_key_is_a_name check (key is null or key ~ '^[a-z0-9][a-z0-9_.-]{0,62}$'),
  add constraint channels_settings_are_an_object check (jsonb_typeof(settings) = 'object'),
  add constraint channels_timeout_is_short check (timeout_seconds between 1 and 25),
  add constraint channels_failures_are_counted check (consecutive_failures >= 0);

comment on column monitoring.channels.key is 'name of the key, token or password in the variable channel_secrets';
comment on column monitoring.channels.settings is 'what the kind needs beside address and key: to, from, chat_id, topic, repository, ...';
comment on column monitoring.channels.timeout_seconds is 'how long the receiver may take for one message';
comment on column monitoring.channels.consecutive_failures is 'how often in a row the receiver could not be told anything';
comment on column monitoring.channels.open_until is 'nothing is sent before: the receiver keeps failing, or asked to be left alone until then';

alter table monitoring.outbox
  -- A message without an alert is a test of its channel.
  alter column alert_id drop not null,
  add column batch_id uuid,
  add column reference text,
  add column refresh_at timestamptz;

comment on column monitoring.outbox.batch_id is 'messages that leave as one, always the same ones: the idempotency key of all of them together';
comment on column monitoring.outbox.reference is 'what the receiver calls what it made of the message: the number of an issue, of a message in a chat';
comment on column monitoring.outbox.refresh_at is 'when a delivered message is to be sent again, so that the receiver does not take the alert for over';

drop index monitoring.outbox_waiting;
create index outbox_waiting on monitoring.outbox (channel_id, next_attempt_at) where delivered_at is null and dead_at is null;
create index outbox_batch on monitoring.outbox (batch_id) where batch_id is not null and delivered_at is null and dead_at is null;
create index outbox_refresh on monitoring.outbox (refresh_at) where refresh_at is not null;
