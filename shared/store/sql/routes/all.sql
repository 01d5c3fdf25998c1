-- All routes in order, each with its steps.
select
  route.route_id::int8, route.name::text, route.position::int8, route.matchers::jsonb, route.continue::bool,
  route.reminder_seconds::int8, route.enabled::bool,
  coalesce(
    (
      select pg_catalog.jsonb_agg(
        pg_catalog.jsonb_build_object(
          'step', member.step, 'after_seconds', member.after_seconds, 'channel_id', member.channel_id,
          'channel', channel.name
        )
        order by member.step, member.after_seconds, channel.name
      )
      from monitoring.route_steps as member
      join monitoring.channels as channel using (channel_id)
      where member.route_id = route.route_id
    ),
    '[]'
  )::jsonb as steps
from monitoring.routes as route
order by route.position, route.route_id
