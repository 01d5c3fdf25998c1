-- Rules on any metric: the metrics by name, and what a rule says beside its thresholds (which subjects, how values are
-- taken together, what to do, what becomes of silence).
--
-- The rules that an installation begins with are in the next part of this file. They are inserted once: whoever deletes
-- one has deleted it.

create table monitoring.metrics (
  metric text primary key,
  unit text not null,
  subject_kind text,
  phrase text not null,
  description text not null,
  aggregates text[] not null,
  collector text,
  is_generic bool not null default false,
  present bool not null default true,
  constraint metrics_name_is_plain check (metric ~ '^[a-z][a-z0-9_]{0,62}([.][a-z][a-z0-9_]{0,62})?$'),
  constraint metrics_unit_is_known check (
    unit in ('us', 'ms', 's', 'percent', 'permille', 'bytes', 'count')
  ),
  constraint metrics_aggregates_are_known check (
    cardinality(aggregates) > 0
    and aggregates <@ array['last', 'avg', 'min', 'max', 'sum', 'rate', 'p50', 'p95', 'p99']
  )
);

comment on table monitoring.metrics is 'What rules can watch; written by `pgvitals migrate` from sql/metrics/ and from the columns of the collectors.';
comment on column monitoring.metrics.subject_kind is 'what one alert is about; null: the target itself';
comment on column monitoring.metrics.phrase is 'what a value says, for the middle of a sentence';
comment on column monitoring.metrics.aggregates is 'how a rule may take the values of its window together; the first is what it gets if it names none';
comment on column monitoring.metrics.collector is 'whose readings it is made of: while they fail it is not known';
comment on column monitoring.metrics.is_generic is 'COLLECTOR.COLUMN, of which one statement answers all';
comment on column monitoring.metrics.present is 'whether this release has it';

-- What the text of a statement says of its shape. Stored, because it is asked for of every statement in every evaluation.
alter table monitoring.statements
  add column is_lookup bool generated always as (
    query ~* '^\s*(select|with)\M.*\mwhere\M.*=\s*[$?]' and query !~* '\m(count|sum|avg|min|max|group by)\M'
  ) stored,
  add column is_page bool generated always as (
    query ~* '^\s*(select|with)\M.*(\m(limit|offset)\s+[$?]|\mfetch\s+(first|next)\M)'
  ) stored;

comment on column monitoring.statements.is_lookup is 'it reads by a condition and does not count: one that gives a row at most looks it up';
comment on column monitoring.statements.is_page is 'it asks for a part of a list';

-- --- Label filters -----------------------------------------------------------------------------------------------------
--
-- {"target": "shop", "query": {"like": "%timeline%"}, "user": {"not": "batch"}}

create function monitoring.label_fits(value text, condition jsonb)
  returns bool
  language sql
  immutable
  parallel safe
as $function$
  select coalesce(
    case
      when pg_catalog.jsonb_typeof(condition) = 'string' then value = (condition #>> '{}')
      when condition ? 'like' then value like (condition ->> 'like')
      else value is distinct from (condition ->> 'not')
    end,
    false
  )
$function$;

comment on function monitoring.label_fits(text, jsonb) is 'whether the value of a label is what a condition of a rule wants';

create function monitoring.is_label_filter(filter jsonb)
  returns bool
  language sql
  immutable
  parallel safe
as $function$
  select case when pg_catalog.jsonb_typeof(filter) = 'object' then not exists (
    select from pg_catalog.jsonb_each(filter) as wanted (label, condition)
    where not case pg_catalog.jsonb_typeof(wanted.condition)
      when 'string' then true
      when 'object' then coalesce(
        pg_catalog.jsonb_typeof(wanted.condition -> 'like') = 'string' and wanted.condition - 'like' = '{}'
        or pg_catalog.jsonb_typeof(wanted.condition -> 'not') = 'string' and wanted.condition - 'not' = '{}',
        false
      )
      else false
    end
  ) else false end
$function$;

create function monitoring.is_object_of_texts(object jsonb)
  returns bool
  language sql
  immutable
  parallel safe
as $function$
  select case when pg_catalog.jsonb_typeof(object) = 'object' then not exists (
    select from pg_catalog.jsonb_each(object) as part (key, value) where pg_catalog.jsonb_typeof(part.value) <> 'string'
  ) else false end
$function$;

-- --- What a rule says --------------------------------------------------------------------------------------------------

alter table monitoring.rules
  drop constraint rules_metric_is_known,
  drop constraint rules_have_a_threshold,
  drop constraint rules_thresholds_are_numbers,
  drop constraint rules_thresholds_are_in_order,
  drop constraint rules_window_is_sensible,
  add column aggregate text,
  add column labels jsonb not null default '{}',
  add column threshold float8,
  add column advice text,
  add column no_data text not null default 'keep',
  add column inhibited_by text[] not null default '{target_down}',
  add column tags jsonb not null default '{}',
  add column response text,
  add column response_arguments jsonb not null default '{}',
  add column response_level text not null default 'critical',
  add constraint rules_aggregate_is_known check (
    aggregate in ('last', 'avg', 'min', 'max', 'sum', 'rate', 'p50', 'p95', 'p99')
  ),
  add constraint rules_labels_are_a_filter check (monitoring.is_label_filter(labels)),
  add constraint rules_have_a_threshold check (
    (threshold is null) = (coalesce(warning, critical, emergency) is not null)
  ),
  -- Half of it, all of it and twice as much only get worse upwards.
  add constraint rules_threshold_counts_up check (threshold is null or (comparison = 'above' and threshold > 0)),
  -- NaN sorts above every number and infinity compares as one: neither is a threshold.
  add constraint rules_thresholds_are_numbers check (
    coalesce(warning, 0) between -1e300 and 1e300 and coalesce(critical, 0) between -1e300 and 1e300
    and coalesce(emergency, 0) between -1e300 and 1e300 and coalesce(threshold, 0) between -1e300 and 1e300
    and resolve between -1e300 and 1e300
  ),
  -- Each level begins beyond the milder ones, and all is well on the good side of the mildest.
  add constraint rules_thresholds_are_in_order check (
    case comparison
      when 'above' then
        coalesce(warning < critical, true) and coalesce(critical < emergency, true)
        and coalesce(warning < emergency, true)
        and resolve <= coalesce(warning, critical, emergency, threshold / 2)
      else
        coalesce(warning > critical, true) and coalesce(critical > emergency, true)
        and coalesce(warning > emergency, true) and resolve >= coalesce(warning, critical, emergency)
    end
  ),
  add constraint rules_window_is_sensible check (window_seconds between 1 and 31622400),
  add constraint rules_advice_says_something check (advice ~ '[^[:space:]]'),
  add constraint rules_no_data_is_known check (no_data in ('keep', 'alert')),
  add constraint rules_tags_are_texts check (monitoring.is_object_of_texts(tags)),
  add constraint rules_response_arguments_are_an_object check (jsonb_typeof(response_arguments) = 'object'),
  add constraint rules_response_level_is_known check (response_level in ('warning', 'critical', 'emergency'));

comment on column monitoring.rules.labels is 'which subjects it is about: each label a text, {"like": pattern} or {"not": text}';
comment on column monitoring.rules.aggregate is 'how the values of the window become one; null: as the metric has it';
comment on column monitoring.rules.threshold is 'in place of the three levels: warning at half of it, critical at it, emergency at twice as much';
comment on column monitoring.rules.advice is 'the next step, in one line; every message has it';
comment on column monitoring.rules.no_data is 'keep: that nothing is known changes nothing; alert: it is a warning after for_seconds';
comment on column monitoring.rules.inhibited_by is 'rules that keep this one from being told while they fire for the same target';
comment on column monitoring.rules.tags is 'labels of the rule, which routes and silences can ask for';
comment on column monitoring.rules.response is 'the action that is tried when it fires; null: none';
comment on column monitoring.rules.response_level is 'from which level on it is tried';

-- --- The rules that an installation begins with ------------------------------------------------------------------------

update monitoring.rules set inhibited_by = '{}' where rule_id = 'target_down';
alter table monitoring.rules
  add constraint rules_are_not_inhibited_by_themselves check (rule_id <> all (inhibited_by));

-- Look-ups and pages have rules of their own, so that one slow statement is one alert.
update monitoring.rules set labels = '{"shape": "other"}' where rule_id = 'slow_statement';

update monitoring.rules as known set advice = given.advice
from (values
  ('slow_statement', 'Explain the statement (analyze, buffers) and look what changed: pgvitals show slow_statements'),
  ('connection_use', 'See who holds the connections: pgvitals show connection_health; pool them, or end those that idle'),
  ('cache_hit', 'Find what reads so much: pgvitals show slow_statements; then an index, or more shared_buffers'),
  ('target_down', 'Connect to it with psql from the monitoring host: the error says whether network, login or server')
) as given (rule_id, advice)
where known.rule_id = given.rule_id and known.advice is null;

insert into monitoring.rules as known
  (rule_id, metric, aggregate, labels, comparison, warning, critical, emergency, threshold, resolve, window_seconds,
   for_seconds, cooldown_seconds, minimum_traffic, enabled, tags, summary, advice, runbook)
select
  rule_id, metric, aggregate, labels::jsonb, comparison, warning, critical, emergency, threshold, resolve, window_seconds,
  for_seconds, cooldown_seconds, minimum_traffic, enabled, tags::jsonb, summary, advice,
  'docs/runbooks/' || runbook || '.md'
from (values
  -- Classes of statements, each with its own promise.
  ('single_entity_query', 'statement_mean_ms', null, '{"shape": "single"}', 'above', 51.0, 100.0, 500.0, null, 45.0,
   300, 60, 900, 20, true, '{"class": "query"}', 'A look-up of one row is slow',
   'Explain it: a look-up by key should read a handful of blocks, so look for a missing index or a lock', 'slow_statement'),
  ('paginated_query', 'statement_mean_ms', null, '{"shape": "paginated"}', 'above', 500, 1000, 2000, null, 450,
   300, 60, 900, 3, true, '{"class": "query"}', 'A page of a list is slow',
   'Explain it: give the order an index, and page by key instead of by offset', 'slow_statement'),
  ('timeline_query', 'statement_mean_ms', null, '{"query": {"like": "%timeline_event%"}}', 'above', null, null, null,
   100, 45, 300, 60, 900, 3, true, '{"class": "query"}', 'A timeline is slow',
   'Explain it as the role that runs it: policies count; look for an index on patient and time', 'slow_statement'),
  ('rls_policy_check', 'statement_mean_ms', null, '{"query": {"like": "%has_access%"}}', 'above', null, null, null,
   50, 22.5, 300, 60, 900, 3, true, '{"class": "query"}', 'A check of row-level security is slow',
   'Wrap what the policy calls as (select …) so that it is asked once, and index what it looks up', 'slow_statement'),
  ('document_search', 'statement_mean_ms', null, '{"query": {"like": "%document%@@%"}}', 'above', null, null, null,
   200, 90, 300, 60, 900, 3, true, '{"class": "query"}', 'A search in documents is slow',
   'See that the search uses a GIN index on the stored tsvector, and limit before ranking', 'slow_statement'),
  ('job_processing', 'statement_mean_ms', null, '{"query": {"like": "%job_queue%"}}', 'above', null, null, null,
   10000, 4500, 300, 0, 900, 1, true, '{"class": "query"}', 'A background job is slow',
   'See what the job waits for: pgvitals show wait_profile; take jobs with for update skip locked', 'slow_statement'),
  ('average_query_time', 'query_mean_ms', null, '{}', 'above', 2000, 5000, 10000, null, 1800,
   300, 0, 900, 3, true, '{"class": "query"}', 'The statements of a database are slow on average',
   'See which statements take the time: pgvitals show slow_statements; then what they wait for: wait_profile',
   'average_query_time'),
  ('slow_queries_per_minute', 'slow_queries_per_minute', null, '{}', 'above', 10, 25, 50, null, 8,
   300, 0, 900, 0, true, '{"class": "query"}', 'Many slow queries run in a database',
   'See which they are: pgvitals show slow_statements; one that is new there is where to begin', 'average_query_time'),

  -- Sessions, locks and transactions.
  ('active_connections', 'active_connections', null, '{}', 'above', 50, 80, 160, null, 45,
   60, 60, 900, 0, true, '{"class": "sessions"}', 'Many sessions are at work at once',
   'See what they wait for: pgvitals show wait_profile; more than a few per core only queue: put a pool in front',
   'active_connections'),
  ('idle_in_transaction', 'idle_in_transaction_seconds', null, '{}', 'above', 300, 900, 3600, null, 240,
   60, 0, 900, 0, true, '{"class": "sessions"}', 'A transaction is open and nobody works in it',
   'Find the session: pgvitals show connection_leaks; end it, mend the code, set idle_in_transaction_session_timeout',
   'idle_in_transaction'),
  ('long_transaction', 'longest_transaction_seconds', null, '{}', 'above', 1800, 7200, 43200, null, 1500,
   60, 0, 900, 0, true, '{"class": "sessions"}', 'A transaction is open for long',
   'It keeps vacuum from removing rows: find who holds it with pgvitals show vacuum_needs, and end it or split the job',
   'long_transaction'),
  ('blocked_sessions', 'blocked_sessions', 'avg', '{}', 'above', 5, 20, 50, null, 4,
   60, 30, 900, 0, true, '{"class": "sessions"}', 'Sessions wait for locks of others',
   'Find the root of the chain: pgvitals show blocking; its row names the session to end', 'blocked_sessions'),
  ('lock_wait', 'lock_wait_seconds', null, '{}', 'above', 60, 300, 900, null, 50,
   60, 0, 900, 0, true, '{"class": "sessions"}', 'A session waits long for a lock',
   'Find the root of the chain: pgvitals show blocking; its row names the session to end', 'blocked_sessions'),
  ('deadlocks', 'deadlocks_per_minute', null, '{}', 'above', 1, 5, 20, null, 0.5,
   300, 0, 1800, 0, true, '{"class": "sessions"}', 'Transactions run into deadlocks',
   'The log of the server names both statements: let all take their rows in the same order', 'deadlocks'),
  ('rollbacks', 'rollback_percent', null, '{}', 'above', 10, 25, 50, null, 8,
   600, 300, 1800, 1000, true, '{"class": "sessions"}', 'Many transactions are rolled back',
   'The log of the application or of the server names the error that comes again and again', 'rollbacks'),

  -- Memory and storage.
  ('cache_hit_promised', 'cache_hit_percent', null, '{}', 'below', 99, 95, 90, null, 99.2,
   3600, 0, 3600, 1000000, false, '{"class": "storage"}', 'A database that should live in memory reads from disk',
   'Find what reads so much: pgvitals show slow_statements; then an index, or more shared_buffers', 'cache_hit'),
  ('temp_files', 'temp_bytes_per_second', null, '{}', 'above', 10485760, 52428800, 209715200, null, 8388608,
   600, 300, 1800, 0, true, '{"class": "storage"}', 'Statements spill to disk',
   'See which: pgvitals show temp_file_use; give them an index or, for their role, more work_mem', 'temp_files'),
  ('database_size', 'database_sizes.size_bytes', null, '{}', 'above', 53687091200, 107374182400, 214748364800, null,
   51539607552, 3600, 0, 86400, 0, true, '{"class": "storage"}', 'A database is large',
   'See what grows: pgvitals show growth; archive, drop partitions, or move the threshold to what the disk holds', 'growth'),
  ('database_growth', 'database_growth_percent', null, '{}', 'above', 20, 100, null, null, 18,
   2592000, 0, 86400, 1073741824, true, '{"class": "trend"}', 'A database grows fast, month over month',
   'See which tables grow: pgvitals show growth', 'growth'),
  ('query_growth', 'transactions_growth_percent', null, '{}', 'above', 50, 200, null, null, 45,
   604800, 0, 86400, 100000, true, '{"class": "trend"}', 'Many more queries run than the week before',
   'See which statements are new or called more often: pgvitals show growth', 'growth'),
  ('table_bloat', 'table_bloat_percent', null, '{}', 'above', 50, 70, 90, null, 45,
   86400, 0, 86400, 104857600, true, '{"class": "upkeep"}', 'A table is mostly free space',
   'See who holds vacuum back: pgvitals show vacuum_needs; then pg_repack or vacuum full in a quiet hour', 'bloat'),
  ('index_bloat', 'index_bloat_percent', null, '{}', 'above', 50, 70, 90, null, 45,
   86400, 0, 86400, 104857600, true, '{"class": "upkeep"}', 'An index is mostly free space',
   'Rebuild it without a lock: reindex index concurrently NAME', 'bloat'),
  ('index_use', 'index_use_percent', null, '{}', 'below', 95, 80, 50, null, 96,
   86400, 0, 86400, 1000, true, '{"class": "upkeep"}', 'A large table is often read as a whole',
   'See what is missing: pgvitals show index_usage', 'index_use'),
  ('invalid_index', 'invalid_index_seconds', null, '{}', 'above', 1800, 86400, null, null, 1,
   600, 0, 3600, 0, true, '{"class": "upkeep"}', 'An index costs writes and serves nobody',
   'Its build failed: reindex index concurrently NAME, or drop it', 'invalid_index'),
  ('sequence_use', 'sequence_use_percent', null, '{}', 'above', 75, 90, 97, null, 70,
   7200, 0, 86400, 0, true, '{"class": "upkeep"}', 'A sequence comes to its end',
   'Move the column to bigint before inserts fail: pgvitals show sequences_near_end', 'sequence_use'),
  ('wraparound', 'wraparound_percent', null, '{}', 'above', 30, 50, 75, null, 28,
   900, 0, 3600, 0, true, '{"class": "upkeep"}', 'Transaction ids run out',
   'See who holds vacuum back: pgvitals show wraparound_forecast; end it, then vacuum (freeze) the oldest tables',
   'wraparound'),
  ('vacuum_behind', 'vacuum.vacuum_pressure_permille', 'min', '{}', 'above', 3000, 10000, null, null, 1500,
   7200, 0, 21600, 0, true, '{"class": "upkeep"}', 'Autovacuum does not keep up with a table',
   'See what holds it back: pgvitals show vacuum_needs', 'vacuum_behind'),
  ('checksum_failures', 'database_checksums.failures', null, '{}', 'above', null, null, 0, null, 0,
   900, 0, 3600, 0, true, '{"class": "storage"}', 'Pages of a database are damaged',
   'Stop writing, save what is there, look at the disk and at the log for the file; restore from a backup', 'checksums'),
  ('statement_evictions', 'statement_entries.evictions', 'sum', '{}', 'above', 12, 60, null, null, 6,
   3600, 0, 21600, 0, true, '{"class": "upkeep"}', 'pg_stat_statements forgets statements',
   'Raise pg_stat_statements.max (needs a restart), and let the application use parameters', 'statement_evictions'),

  -- WAL, archive and replication.
  ('replication_lag', 'replication_lag.lag_ms', null, '{}', 'above', 30000, 120000, 600000, null, 20000,
   60, 60, 900, 0, true, '{"class": "replication"}', 'A replica is behind',
   'See whether it replays, receives or waits: pgvitals show replicas', 'replication_lag'),
  ('replication_backlog', 'replication.replay_lag_bytes', 'min', '{}', 'above', 104857600, 1073741824, 10737418240, null,
   52428800, 300, 0, 900, 0, true, '{"class": "replication"}', 'A receiver of WAL falls behind',
   'See which receiver and where it stops: pgvitals show replicas', 'replication_lag'),
  ('inactive_slot', 'replication_slots.active', 'max', '{}', 'below', 1, null, null, null, 1,
   1800, 0, 21600, 0, true, '{"class": "replication"}', 'A replication slot keeps WAL for nobody',
   'Start its receiver again, or drop it: select pg_drop_replication_slot(NAME)', 'replication_slots'),
  ('slot_backlog', 'replication_slots.retained_bytes', null, '{}', 'above', 1073741824, 10737418240, 53687091200, null,
   805306368, 60, 300, 900, 0, true, '{"class": "replication"}', 'A replication slot keeps much WAL',
   'Start its receiver again or drop the slot before the disk is full; bound it by max_slot_wal_keep_size',
   'replication_slots'),
  ('archiving', 'archiver.failing', 'min', '{}', 'above', 0, null, null, null, 0,
   300, 60, 900, 2, true, '{"class": "replication"}', 'WAL cannot be archived',
   'The log of the server says why archive_command fails; until it works the disk fills', 'archiving'),
  ('checkpoints_requested', 'checkpoints_requested_percent', null, '{}', 'above', 50, null, null, null, 40,
   3600, 0, 21600, 6, true, '{"class": "upkeep"}', 'Checkpoints come before their time',
   'Raise max_wal_size: each early checkpoint writes every page whole again', 'checkpoints'),

  -- PgBouncer.
  ('pool_wait', 'pgbouncer_pools.maxwait', null, '{}', 'above', 1, 10, 60, null, 0,
   60, 0, 900, 0, true, '{"class": "sessions"}', 'Clients wait for a connection of the pool',
   'See what holds the connections: pgvitals show connection_health; then default_pool_size', 'pool_wait'),

  -- What the application of the reference workload keeps in tables.
  ('pending_cache_invalidations', 'tables.live_rows', null, '{"table": "cache_invalidation_queue"}', 'above',
   500, 1000, 5000, null, 400, 600, 0, 900, 0, true, '{"class": "application"}', 'Cached pages wait to be made anew',
   'See whether the job that empties cache_invalidation_queue runs, and run it by hand', 'application_queues'),
  ('orphaned_relationships', 'tables.live_rows', null, '{"table": "orphaned_relationships"}', 'above',
   100, 500, 5000, null, 80, 3600, 0, 21600, 0, true, '{"class": "application"}', 'Relationships lead to nothing',
   'Look what was deleted without its relationships, then run the clean-up', 'application_queues'),

  -- The monitor itself.
  ('function_stale', 'function_stale_seconds', null, '{}', 'above', 120, 600, 3600, null, 60,
   60, 0, 900, 0, true, '{"class": "monitor"}', 'A function of pgvitals has not succeeded lately',
   'pgvitals status and the log of the application say why it fails', 'monitor'),
  ('collector_failing', 'collectors_failing', null, '{}', 'above', 0, 10, null, null, 0,
   60, 600, 3600, 0, true, '{"class": "monitor"}', 'Collectors fail on a target',
   'pgvitals doctor names each, with the mend', 'monitor'),
  ('outbox_waiting', 'outbox_oldest_seconds', null, '{}', 'above', 300, 1800, null, null, 60,
   60, 0, 900, 0, true, '{"class": "monitor"}', 'Notifications wait and are not delivered',
   'pgvitals notifications list says what the receivers answer', 'monitor')
) as given (
  rule_id, metric, aggregate, labels, comparison, warning, critical, emergency, threshold, resolve, window_seconds,
  for_seconds, cooldown_seconds, minimum_traffic, enabled, tags, summary, advice, runbook
)
on conflict (rule_id) do nothing;

-- The monitor's own troubles are told also while a target is down.
update monitoring.rules set inhibited_by = '{}' where rule_id in ('function_stale', 'outbox_waiting');

-- A name that no metric has is refused where it is written. Only from here on: the metrics are registered after the
-- migrations.
create function monitoring.check_rule_metric()
  returns trigger
  language plpgsql
as $function$
declare
  known monitoring.metrics;
begin
  if new.metric is null then
    raise exception using
      errcode = 'check_violation',
      constraint = 'rules_metric_is_known',
      message = pg_catalog.format('rule %s has no metric', new.rule_id),
      hint = 'select metric, description from monitoring.metrics where present order by metric';
  end if;
  select m.* into known from monitoring.metrics as m where m.metric = new.metric and m.present;
  if not found then
    raise exception using
      errcode = 'check_violation',
      constraint = 'rules_metric_is_known',
      message = pg_catalog.format('rule %s watches %s, and there is no such metric', new.rule_id, new.metric),
      hint = 'select metric, description from monitoring.metrics where present order by metric';
  end if;
  if new.aggregate <> all (known.aggregates) then
    raise exception using
      errcode = 'check_violation',
      constraint = 'rules_aggregate_is_known',
      message = pg_catalog.format(
        'rule %s takes the %s of %s, which has only %s', new.rule_id, new.aggregate, new.metric,
        pg_catalog.array_to_string(known.aggregates, ', ')
      );
  end if;
  return new;
end
$function$;

create trigger rules_metric_is_known
  before insert or update of metric, aggregate on monitoring.rules
  for each row execute function monitoring.check_rule_metric();
