-- Writes changes of alerts ($1, a list of objects) with their transitions and notifications, all or nothing.
--
-- An alert is found by rule, target and subject: it is opened if none is open, else changed, or forgotten if it was
-- pending and came to nothing. A change with an `event` is a transition, and gets a message per channel. A channel hears
-- of levels from its minimum on, and then of everything that becomes of that alert, so that a recovery reaches all who
-- were told of the alert.
with change as (
  select
    c.*,
    pg_catalog.array_position(array['warning', 'critical', 'emergency'], c.to_level) as rank
  from pg_catalog.jsonb_to_recordset($1::jsonb) as c (
    rule_id text, target_id int4, subject text, subject_label text, forget bool, state text, level text, value float8,
    threshold float8, pending_since timestamptz, opened_at timestamptz, level_since timestamptz,
    last_seen_at timestamptz, resolved_at timestamptz, sequence int4, event text, from_level text, to_level text,
    payload jsonb
  )
),
forgotten as (
  delete from monitoring.alerts as a
  using change as c
  where c.forget and a.rule_id = c.rule_id and a.target_id = c.target_id and a.subject = c.subject
    and a.state = 'pending'
  returning 1
),
changed as (
  update monitoring.alerts as a
     set state = c.state, level = c.level, value = c.value, threshold = c.threshold, subject_label = c.subject_label,
         pending_since = c.pending_since, opened_at = c.opened_at, level_since = c.level_since,
         last_seen_at = c.last_seen_at, resolved_at = c.resolved_at, sequence = c.sequence
    from change as c
   where not c.forget and a.rule_id = c.rule_id and a.target_id = c.target_id and a.subject = c.subject
     and a.state <> 'resolved'
  returning a.alert_id, a.rule_id, a.target_id, a.subject, a.sequence
),
opened as (
  insert into monitoring.alerts as a (
    rule_id, target_id, subject, subject_label, state, level, value, threshold, pending_since, opened_at, level_since,
    last_seen_at, sequence
  )
  select
    c.rule_id, c.target_id, c.subject, c.subject_label, c.state, c.level, c.value, c.threshold, c.pending_since,
    c.opened_at, c.level_since, c.last_seen_at, c.sequence
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
  select alert.alert_id, alert.sequence, c.event, c.from_level, c.to_level, c.rank, c.value, c.payload
  from (select * from changed union all select * from opened) as alert
  join change as c using (rule_id, target_id, subject)
  where c.event is not null
),
transition as (
  insert into monitoring.alert_transitions (alert_id, sequence, from_level, to_level, value)
  select moved.alert_id, moved.sequence, moved.from_level, moved.to_level, moved.value from moved
  returning 1
),
queued as (
  insert into monitoring.outbox (alert_id, sequence, channel_id, event, payload)
  select
    moved.alert_id, moved.sequence, channel.channel_id, moved.event,
    moved.payload || pg_catalog.jsonb_build_object('alert_id', moved.alert_id, 'sequence', moved.sequence)
  from moved
  cross join monitoring.channels as channel
  cross join lateral (
    select exists (
      select 1 from monitoring.outbox as earlier
      where earlier.alert_id = moved.alert_id and earlier.channel_id = channel.channel_id
    ) as before
  ) as told
  where channel.enabled
    and (
      told.before
      or moved.rank >= pg_catalog.array_position(array['warning', 'critical', 'emergency'], channel.minimum_level)
    )
  returning 1
)
select
  (select count(*) from opened)::int8 as opened,
  (select count(*) from changed)::int8 as changed,
  (select count(*) from forgotten)::int8 as forgotten,
  (select count(*) from transition)::int8 as transitions,
  (select count(*) from queued)::int8 as queued
