-- What was stored before texts that may carry a secret or a person were hidden: values of settings, literals in definitions
-- of indexes, and what applications write into their names. None of it is stored from now on, so it goes from here too.
--
-- The last readings of these collectors go as well: the next one writes everything anew that may be told.

delete from monitoring.counter_snapshots
where collector in (
  'settings', 'setting_overrides', 'pgbouncer_config', 'index_definitions', 'invalid_indexes', 'connections',
  'idle_sessions', 'xmin_horizon'
);

-- A number, a truth or a choice of one word is no secret where the setting is one of the server's own.
update monitoring.subjects as s
set texts = pg_catalog.jsonb_set(s.texts, '{value}', '"(hidden)"')
from monitoring.collectors as c
where c.collector_id = s.collector_id
  and (
    (c.collector = 'settings' and s.labels ->> 'kind' = 'string')
    or (
      c.collector in ('setting_overrides', 'pgbouncer_config')
      and (s.texts ->> 'value' !~ '^([0-9.-]+[a-zA-Z]*|on|off)$' or s.labels ->> 'setting' like '%.%')
    )
  )
  and s.texts ->> 'value' <> '';

update monitoring.subject_changes as h
set before = case when h.before ? 'value' then pg_catalog.jsonb_set(h.before, '{value}', '"(hidden)"') else h.before end,
    after = case when h.after ? 'value' then pg_catalog.jsonb_set(h.after, '{value}', '"(hidden)"') else h.after end
from monitoring.subjects as s
join monitoring.collectors as c using (collector_id)
where s.subject_id = h.subject_id
  and (
    (c.collector = 'settings' and s.labels ->> 'kind' = 'string')
    or c.collector in ('setting_overrides', 'pgbouncer_config')
  );

update monitoring.subjects as s
set texts = s.texts - 'definition'
from monitoring.collectors as c
where c.collector_id = s.collector_id and c.collector in ('index_definitions', 'invalid_indexes');

update monitoring.subject_changes as h
set before = h.before - 'definition', after = h.after - 'definition'
from monitoring.subjects as s
join monitoring.collectors as c using (collector_id)
where s.subject_id = h.subject_id and c.collector in ('index_definitions', 'invalid_indexes');

-- Subjects whose key has such a name in it are no longer found by it. They keep their samples, under a key of their own.
with pattern as materialized (
  select
    '[^ ,|]*@[^ ,|]*|=[^ ,|]+|[[:<:]](bearer[ :]|gh[a-z]_|github_pat_|glpat-|xox[a-z]-|whsec_|eyj[0-9a-z_-]{8})[^ ,|]*'
    || '|[0-9][0-9.:/-]{6,}|[0-9a-f-]{16,}|[[:<:]](?=[a-f]*[0-9])[0-9a-f]{8,}[[:>:]]'
    || '|[[:<:]](?=[a-z_]*[0-9]+[a-z])[0-9a-z_]{12,}[[:>:]]|[0-9a-z+]{30,}|[0-9]+' as ids
),
named as materialized (
  select
    s.subject_id,
    c.collector = 'xmin_horizon' as is_label,
    n.name as label,
    pg_catalog.regexp_replace(s.labels ->> n.name, pattern.ids, '#', 'gi') as masked
  from monitoring.subjects as s
  join monitoring.collectors as c using (collector_id)
  cross join lateral (select case when c.collector = 'xmin_horizon' then 'name' else 'application' end as name) as n
  cross join pattern
  where c.collector in ('connections', 'idle_sessions', 'xmin_horizon')
    and s.labels ->> n.name is distinct from pg_catalog.regexp_replace(s.labels ->> n.name, pattern.ids, '#', 'gi')
)
update monitoring.subjects as s
set labels = pg_catalog.jsonb_set(s.labels, array[n.label], pg_catalog.to_jsonb(n.masked)),
    subject_key = case when n.is_label then s.subject_key else 'before/' || s.subject_id end,
    gone_at = case when n.is_label then s.gone_at else coalesce(s.gone_at, now()) end
from named as n
where n.subject_id = s.subject_id;

with pattern as materialized (
  select
    '[^ ,|]*@[^ ,|]*|=[^ ,|]+|[[:<:]](bearer[ :]|gh[a-z]_|github_pat_|glpat-|xox[a-z]-|whsec_|eyj[0-9a-z_-]{8})[^ ,|]*'
    || '|[0-9][0-9.:/-]{6,}|[0-9a-f-]{16,}|[[:<:]](?=[a-f]*[0-9])[0-9a-f]{8,}[[:>:]]'
    || '|[[:<:]](?=[a-z_]*[0-9]+[a-z])[0-9a-z_]{12,}[[:>:]]|[0-9a-z+]{30,}|[0-9]+' as ids
)
update monitoring.blocked_sessions as b
set application = pg_catalog.regexp_replace(b.application, pattern.ids, '#', 'gi'),
    root_application = pg_catalog.regexp_replace(b.root_application, pattern.ids, '#', 'gi')
from pattern
where b.application is distinct from pg_catalog.regexp_replace(b.application, pattern.ids, '#', 'gi')
  or b.root_application is distinct from pg_catalog.regexp_replace(b.root_application, pattern.ids, '#', 'gi');
