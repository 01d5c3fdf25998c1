-- The share of block reads that the shared buffers answered, per database, over the window of each enabled rule.
-- A database with less traffic than the rule asks for says nothing, unless an alert is open for it: then `value` is null
-- and `condition` says whether the database rested (idle) or was not watched (no_data).
with measured as materialized (
  select
    r.rule_id, t.target_id, used.database as subject,
    (100.0 * used.hit / used.traffic)::float8 as value, used.traffic::int8 as traffic
  from monitoring.rules as r
  cross join monitoring.targets as t
  cross join lateral (
    select
      sample.database, sum(sample.blocks_hit) as hit, sum(sample.blocks_hit + sample.blocks_read) as traffic
    from monitoring.database_samples as sample
    where sample.target_id = t.target_id
      and sample.sampled_at > now() - r.window_seconds * interval '1 second' and sample.sampled_at <= now()
    group by sample.database
  ) as used
  where r.enabled and r.metric = 'cache_hit_percent' and t.enabled
    and used.traffic >= greatest(r.minimum_traffic, 1)
)
select
  measured.rule_id::text as rule_id, measured.target_id::int8 as target_id, measured.subject::text as subject,
  measured.subject::text as subject_label, measured.subject::text as database, null::text as user_name,
  measured.value::float8 as value, measured.traffic::int8 as traffic, 'measured'::text as condition
from measured
union all
select
  a.rule_id::text, a.target_id::int8, a.subject::text, a.subject_label::text, a.subject::text, null::text,
  null::float8, 0::int8,
  (
    -- Only an interval that was measured within the window can tell that nothing happened in it.
    case when status.outcome = 'ok' and status.last_success_at > now() - r.window_seconds * interval '1 second'
      then 'idle' else 'no_data' end
  )::text
from monitoring.alerts as a
join monitoring.rules as r on r.rule_id = a.rule_id and r.enabled and r.metric = 'cache_hit_percent'
join monitoring.targets as t on t.target_id = a.target_id and t.enabled
left join monitoring.collector_status as status on status.target_id = a.target_id and status.collector = 'databases'
where a.state <> 'resolved'
  and not exists (
    select 1 from measured
    where measured.rule_id = a.rule_id and measured.target_id = a.target_id and measured.subject = a.subject
  )
