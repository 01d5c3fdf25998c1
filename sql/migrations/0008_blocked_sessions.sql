-- Who waited for whom: every session that was seen waiting for a lock, with the end of its chain.

create table monitoring.blocked_sessions (
  target_id int4 not null,
  sampled_at timestamptz not null,
  pid int4 not null,
  user_name text,
  application text,
  database text,
  waiting_ms int8,
  statement_ms int8,
  lock_type text,
  lock_mode text,
  relation text,
  blocker_pids int4[] not null,
  depth int4,
  root_pid int4,
  root_state text,
  root_user_name text,
  root_application text,
  root_transaction_ms int8,
  query_id int8,
  query text,
  root_query_id int8,
  root_query text,
  constraint blocked_sessions_are_blocked check (cardinality(blocker_pids) > 0),
  constraint blocked_sessions_chains_have_ends check ((depth is null) = (root_pid is null) and depth > 0),
  constraint blocked_sessions_times_are_past check (least(waiting_ms, statement_ms, root_transaction_ms) >= 0)
) partition by range (sampled_at);

comment on table monitoring.blocked_sessions is 'Sessions that waited for a lock when the collector looked, each with the root of its chain: the session that waits for no lock and lets nobody pass.';
comment on column monitoring.blocked_sessions.waiting_ms is 'since when it waits; null before PostgreSQL 14, and in the first moments of a wait';
comment on column monitoring.blocked_sessions.relation is 'schema and name; null where the lock is of no relation, or of one in another database than the target''s';
comment on column monitoring.blocked_sessions.blocker_pids is 'whom it waits for directly; 0 is a prepared transaction';
comment on column monitoring.blocked_sessions.depth is 'steps to the root; 1 where that blocks it directly';
comment on column monitoring.blocked_sessions.root_pid is '0 is a prepared transaction; null in a circle, which the server ends as a deadlock';
comment on column monitoring.blocked_sessions.query is 'normalised; null for utility statements, whose texts are not stored';
comment on column monitoring.blocked_sessions.root_query is 'the statement that the root runs or ran last, which need not be the one that took the lock';

create index blocked_sessions_target on monitoring.blocked_sessions (target_id, sampled_at);

insert into monitoring.partitioned_tables (table_name, retention) values ('blocked_sessions', interval '30 days');
select monitoring.maintain_table('blocked_sessions');
