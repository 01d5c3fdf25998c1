-- What keeps collectors from working on enabled targets, each reason once per target, with the collectors that it
-- concerns: what could be mended, and not what a version does not have or what another target of the server reads.
select
  t.name::text as target, c.outcome::text, c.reason::text,
  pg_catalog.array_agg(c.collector order by c.collector)::text[] as collectors
from monitoring.collector_status as c
join monitoring.targets as t using (target_id)
join monitoring.collectors as known on known.collector = c.collector and known.present and known.enabled
where t.enabled
  and (
    c.outcome = 'failed'
    or (c.outcome = 'skipped' and c.reason !~ '^(not_in_this_version|read_elsewhere):')
  )
group by t.name, c.outcome, c.reason
order by t.name, c.outcome, c.reason
