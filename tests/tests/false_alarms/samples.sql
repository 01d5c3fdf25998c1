-- Stores samples ($1, a list of objects) of the first target as its collectors would have.
with given as (
  select given.*, t.target_id
  from jsonb_to_recordset($1::jsonb) as given (
    at timestamptz, calls int8, exec_us int8, connections int4, active int4, waiting_on_lock int4, lock_wait_ms int8,
    longest_transaction_ms int8, idle_in_transaction_ms int8, commits int8, rollbacks int8, deadlocks int8,
    blocks_hit int8, blocks_read int8, temp_bytes int8, lag_ms int8
  )
  cross join (select min(target_id) as target_id from monitoring.targets) as t
),
statement as (
  insert into monitoring.statements (target_id, statement_key, database, query_id, top_level, user_name, query)
  select t.target_id, '1/1/1/t', 'shop', 1, true, 'shop', 'update orders set paid = $1'
  from (select min(target_id) as target_id from monitoring.targets) as t
  returning statement_id
),
statement_sample as (
  insert into monitoring.statement_samples
  select given.target_id, statement.statement_id, given.at, 15000, given.calls, 0, given.exec_us,
         given.calls, 0, 0, 0, 0, 0, 0, 0, 0, 0
  from given cross join statement
),
activity as (
  insert into monitoring.activity_samples
  select given.target_id, given.at, given.connections, 100, 0, given.active, 0, 0, 0, given.waiting_on_lock,
         given.longest_transaction_ms, 0, given.idle_in_transaction_ms
  from given
),
database as (
  insert into monitoring.database_samples
  select given.target_id, given.at, 'shop', 15000, null, 0, given.commits, given.rollbacks, given.blocks_read,
         given.blocks_hit, 0, 0, 0, 0, 0, 0, 0, given.temp_bytes, given.deadlocks, 0, 0
  from given
),
blocked as (
  insert into monitoring.blocked_sessions (target_id, sampled_at, pid, waiting_ms, blocker_pids)
  select given.target_id, given.at, 1, given.lock_wait_ms, '{2}' from given
),
subject as (
  insert into monitoring.subjects (target_id, collector_id, subject_key)
  select t.target_id, c.collector_id, ''
  from (select min(target_id) as target_id from monitoring.targets) as t
  cross join monitoring.collectors as c
  where c.collector = 'replication_lag'
  returning subject_id, target_id, collector_id
)
insert into monitoring.samples (subject_id, target_id, collector_id, sampled_at, interval_ms, "values")
select subject.subject_id, subject.target_id, subject.collector_id, given.at, null,
       array(
         select case named.name when 'lag_ms' then given.lag_ms end
         from unnest(c.columns) with ordinality as named (name, place) order by named.place
       )
from given
cross join subject
join monitoring.collectors as c on c.collector_id = subject.collector_id
