-- How many alerts are firing, per target, rule and level.
select t.name::text as target, a.rule_id::text, a.level::text, count(*)::int8 as alerts
from monitoring.alerts as a
join monitoring.targets as t using (target_id)
where a.state = 'firing'
group by t.name, a.rule_id, a.level
order by t.name, a.rule_id, a.level
