-- The channels to which messages of alerts that are over are still on their way, by what those alerts were about.
select distinct a.rule_id::text, a.target_id::int8, a.subject::text, m.channel_id::int8
from monitoring.outbox as m
join monitoring.alerts as a using (alert_id)
where m.delivered_at is null and m.dead_at is null and a.state = 'resolved'
