-- Writes changes of alerts ($1, a list of objects) with their transitions and messages, all or nothing.
--
-- An alert is found by rule, target and subject: it is opened if none is open, else changed, or forgotten if nobody was
-- told of it and it came to nothing. What is new about it has the next number (`news` is 1): the transition, if `to_level`
-- says that there was one, and the message to each channel, which is the notification with what is said differently to that
-- channel. What a channel was told is remembered with it.
with change as (
  select *
  from pg_catalog.jsonb_to_recordset($1::jsonb) as c (
    rule_id text, target_id int4, subject text, subject_label text, forget bool, state text, level text, value float8,
    threshold float8, pending_since timestamptz, opened_at timestamptz, level_since timestamptz,
    last_seen_at timestamptz, no_data_since timestamptz, calm_since timestamptz, flap_penalty float8,
    flaps_counted_at timestamptz, flapping bool, resolved_at timestamptz, labels jsonb, suppressed_by text, news int4,
    from_level text, to_level text, notification jsonb, messages jsonb
  )
),
forgotten as (
  delete from monitoring.alerts as a
  using change as c
  where c.forget and a.rule_id = c.rule_id and a.target_id = c.target_id and a.subject = c.subject
    and a.state in ('no_data', 'pending')
  returning 1
),
changed as (
  update monitoring.alerts as a
     set state = c.state, level = c.level, value = c.value, threshold = c.threshold, subject_label = c.subject_label,
         pending_since = c.pending_since, opened_at = c.opened_at, level_since = c.level_since,
         last_seen_at = c.last_seen_at, no_data_since = c.no_data_since, calm_since = c.calm_since,
         flap_penalty = c.flap_penalty, flaps_counted_at = c.flaps_counted_at, flapping = c.flapping,
         resolved_at = c.resolved_at, labels = c.labels, suppressed_by = c.suppressed_by,
         -- Counted here and not by who decided: something may have been announced meanwhile.
         sequence = a.sequence + c.news,
         notification = coalesce(c.notification, a.notification)
    from change as c
   where not c.forget and a.rule_id = c.rule_id and a.target_id = c.target_id and a.subject = c.subject
     and a.state <> 'resolved'
  returning a.alert_id, a.rule_id, a.target_id, a.subject, a.sequence
),
opened as (
  insert into monitoring.alerts as a (
    rule_id, target_id, subject, subject_label, state, level, value, threshold, pending_since, opened_at, level_since,
    last_seen_at, no_data_since, calm_since, flap_penalty, flaps_counted_at, flapping, labels, suppressed_by, sequence,
    notification
  )
  select
    c.rule_id, c.target_id, c.subject, c.subject_label, c.state, c.level, c.value, c.threshold, c.pending_since,
    c.opened_at, c.level_since, c.last_seen_at, c.no_data_since, c.calm_since, c.flap_penalty, c.flaps_counted_at,
    c.flapping, c.labels, c.suppressed_by, c.news, c.notification
  from change as c
  where not c.forget and c.state <> 'resolved'
    and not exists (
      select 1 from monitoring.alerts as a
      where a.rule_id = c.rule_id and a.target_id = c.target_id and a.subject = c.subject and a.state <> 'resolved'
    )
  on conflict (rule_id, target_id, subject) where state <> 'resolved' do nothing
  returning a.alert_id, a.rule_id, a.target_id, a.subject, a.sequence
),
moved as (
  select alert.alert_id, alert.sequence, c.from_level, c.to_level, c.value, c.notification, c.messages
  from (select * from changed union all select * from opened) as alert
  join change as c using (rule_id, target_id, subject)
  where c.news > 0
),
transition as (
  insert into monitoring.alert_transitions (alert_id, sequence, from_level, to_level, value)
  select moved.alert_id, moved.sequence, moved.from_level, moved.to_level, moved.value
  from moved
  where moved.to_level is not null
  returning 1
),
queued as (
  insert into monitoring.outbox (alert_id, sequence, channel_id, event, payload)
  select
    moved.alert_id, moved.sequence, channel.channel_id, message.event,
    moved.notification || message.said
      || pg_catalog.jsonb_build_object('alert_id', moved.alert_id, 'sequence', moved.sequence)
  from moved
  cross join lateral pg_catalog.jsonb_to_recordset(moved.messages) as message (channel_id int4, event text, said jsonb)
  -- A channel that was removed meanwhile is not told.
  join monitoring.channels as channel on channel.channel_id = message.channel_id
  returning alert_id, channel_id, sequence, event, payload
),
told as (
  insert into monitoring.alert_channels as known (alert_id, channel_id, told_level, told_sequence)
  select
    queued.alert_id, queued.channel_id,
    case queued.event when 'resolved' then 'ok' else queued.payload ->> 'level' end, queued.sequence
  from queued
  on conflict (alert_id, channel_id) do update
    set told_level = excluded.told_level, told_sequence = excluded.told_sequence, told_at = excluded.told_at
  returning 1
)
select
  (select count(*) from opened)::int8 as opened,
  (select count(*) from changed)::int8 as changed,
  (select count(*) from forgotten)::int8 as forgotten,
  (select count(*) from transition)::int8 as transitions,
  (select count(*) from told)::int8 as queued
