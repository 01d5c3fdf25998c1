-- Writes the sessions of a target ($1) that wait for a lock at this moment: $2 pids, $3 users, $4 applications,
-- $5 databases, $6 times of waiting and $7 since the statement began in ms, $8 types and $9 modes of the locks,
-- $10 relations, $11 pids of the direct blockers as array literals, $12 depths; of the roots $13 pids, $14 states,
-- $15 users, $16 applications, $17 ages of the transaction in ms; $18 query ids and $19 texts, $20 and $21 of the roots.
with written as (
  insert into monitoring.blocked_sessions (
    target_id, sampled_at, pid, user_name, application, database, waiting_ms, statement_ms, lock_type, lock_mode, relation,
    blocker_pids, depth, root_pid, root_state, root_user_name, root_application, root_transaction_ms, query_id, query,
    root_query_id, root_query
  )
  select
    $1::int4, now(), part.pid::int4, part.user_name, part.application, part.database, part.waiting_ms, part.statement_ms,
    part.lock_type, part.lock_mode, part.relation, part.blocker_pids::int4[], part.depth::int4, part.root_pid::int4,
    part.root_state, part.root_user_name, part.root_application, part.root_transaction_ms, part.query_id, part.query,
    part.root_query_id, part.root_query
  from unnest(
    $2::int8[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::int8[], $8::text[], $9::text[], $10::text[],
    $11::text[], $12::int8[], $13::int8[], $14::text[], $15::text[], $16::text[], $17::int8[], $18::int8[], $19::text[],
    $20::int8[], $21::text[]
  ) as part (
    pid, user_name, application, database, waiting_ms, statement_ms, lock_type, lock_mode, relation, blocker_pids, depth,
    root_pid, root_state, root_user_name, root_application, root_transaction_ms, query_id, query, root_query_id, root_query
  )
  returning 1
)
select count(*)::int8 as written from written
