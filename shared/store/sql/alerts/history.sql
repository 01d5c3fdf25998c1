-- What happened to an alert ($1) and who was told of it, in order.
select
  (tr.at at time zone 'UTC')::timestamp as at, 'transition'::text as kind,
  (tr.from_level || ' → ' || tr.to_level)::text as what,
  null::text as channel, null::text as outcome, tr.sequence::int8
from monitoring.alert_transitions as tr
where tr.alert_id = $1
union all
select
  (m.created_at at time zone 'UTC')::timestamp as created_at, 'message'::text, m.event::text, c.name::text,
  (
    case
      when m.delivered_at is not null then 'delivered'
      when m.dead_at is not null then 'given up: ' || m.last_error
      when m.attempts > 0 then 'waiting after ' || m.attempts || ' attempts'
      else 'waiting'
    end
  )::text,
  m.sequence::int8
from monitoring.outbox as m
join monitoring.channels as c using (channel_id)
where m.alert_id = $1
order by 1, 6, 2 desc
