-- Changes a rule ($1 its name) in the fields that $2 has, or makes a new one of them; gives whether it is new. A new one is
-- called by its name, and resolves a tenth within its mildest threshold, unless it says otherwise.
with known as (
  select pg_catalog.to_jsonb(r) as fields from monitoring.rules as r where r.rule_id = $1
),
given as (
  select whole.*
  from pg_catalog.jsonb_populate_record(
    null::monitoring.rules,
    coalesce(
      (select known.fields from known),
      pg_catalog.jsonb_build_object(
        'comparison', 'above', 'window_seconds', 60, 'for_seconds', 0, 'cooldown_seconds', 300, 'minimum_traffic', 0,
        'labels', '{}'::jsonb, 'no_data', 'keep', 'inhibited_by', '["target_down"]'::jsonb, 'tags', '{}'::jsonb,
        'response_arguments', '{}'::jsonb, 'response_level', 'critical', 'enabled', true
      )
    ) || $2::jsonb || pg_catalog.jsonb_build_object('rule_id', $1)
  ) as whole
)
insert into monitoring.rules as r (
  rule_id, summary, metric, aggregate, labels, comparison, warning, critical, emergency, threshold, resolve,
  window_seconds, for_seconds, cooldown_seconds, minimum_traffic, no_data, inhibited_by, tags, advice, runbook, response,
  response_arguments, response_level, enabled
)
select
  given.rule_id, coalesce(given.summary, pg_catalog.replace($1, '_', ' ')), given.metric, given.aggregate, given.labels,
  given.comparison, given.warning, given.critical, given.emergency, given.threshold,
  coalesce(
    given.resolve,
    coalesce(given.warning, given.critical, given.emergency, given.threshold / 2)
      * case given.comparison when 'above' then 0.9 else 1.1 end,
    0
  ),
  given.window_seconds, given.for_seconds,
  given.cooldown_seconds, given.minimum_traffic, given.no_data, given.inhibited_by, given.tags, given.advice,
  given.runbook, given.response, given.response_arguments, given.response_level, given.enabled
from given
on conflict (rule_id) do update
  set summary = excluded.summary, metric = excluded.metric, aggregate = excluded.aggregate, labels = excluded.labels,
      comparison = excluded.comparison, warning = excluded.warning, critical = excluded.critical,
      emergency = excluded.emergency, threshold = excluded.threshold, resolve = excluded.resolve,
      window_seconds = excluded.window_seconds, for_seconds = excluded.for_seconds,
      cooldown_seconds = excluded.cooldown_seconds, minimum_traffic = excluded.minimum_traffic,
      no_data = excluded.no_data, inhibited_by = excluded.inhibited_by, tags = excluded.tags, advice = excluded.advice,
      runbook = excluded.runbook, response = excluded.response, response_arguments = excluded.response_arguments,
      response_level = excluded.response_level, enabled = excluded.enabled
returning (not exists (select from known))::bool as is_new
