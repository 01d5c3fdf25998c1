-- Adds a route, or changes the one of that name: $1 name, $2 matchers, $3 whether it continues, $4 seconds between
-- reminders or null, $5 its place or null (the last, or the one it has), $6 its steps
-- ([{"step": 1, "after_seconds": 0, "channel": "oncall"}]). Channels that there are not are answered by name.
with asked as (
  select *
  from pg_catalog.jsonb_to_recordset($6::jsonb) as member (step int4, after_seconds int4, channel text)
),
unknown as (
  select asked.channel from asked where not exists (
    select 1 from monitoring.channels as channel where channel.name = asked.channel
  )
),
route as (
  insert into monitoring.routes as known (name, position, matchers, continue, reminder_seconds)
  select
    $1::text, coalesce($5::int8, (select max(other.position) + 1 from monitoring.routes as other), 1)::int4, $2::jsonb,
    $3::bool, $4::int8::int4
  where not exists (select from unknown)
  on conflict (name) do update
    set position = coalesce($5::int8::int4, known.position), matchers = excluded.matchers, continue = excluded.continue,
        reminder_seconds = excluded.reminder_seconds
  returning route_id
),
dropped as (
  delete from monitoring.route_steps as member
  using route
  where member.route_id = route.route_id
    and not exists (
      select 1 from asked join monitoring.channels as channel on channel.name = asked.channel
      where asked.step = member.step and channel.channel_id = member.channel_id
    )
),
stepped as (
  insert into monitoring.route_steps (route_id, step, after_seconds, channel_id)
  select route.route_id, asked.step, asked.after_seconds, channel.channel_id
  from route
  cross join asked
  join monitoring.channels as channel on channel.name = asked.channel
  on conflict (route_id, step, channel_id) do update set after_seconds = excluded.after_seconds
)
select array(select unknown.channel from unknown order by 1)::text[] as unknown
