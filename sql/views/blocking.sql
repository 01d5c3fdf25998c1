-- shows: who kept whom waiting for locks, how many, for how long, and when, by the session at the end of the chain
--
-- Of the readings in `span`. A wait of a minute is a warning, of five minutes critical. Before PostgreSQL 14 the server
-- does not say since when a session waits: there a wait is taken to be as long as the statement.
create function monitoring.blocking(
  target text default null,
  at timestamptz default now(),
  span interval default interval '24 hours'
)
  returns table (
    target text, severity text, blocked_by_application text, blocked_by_user text, blocked_by_state text, relation text,
    lock_mode text, waiting_now int8, peak_waiting int8, longest_wait_seconds float8, readings int8,
    first_seen timestamptz, last_seen timestamptz, blocked_query text, query text, advice text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $function$
  with waited as (
    select t.name, b.*, coalesce(b.waiting_ms, b.statement_ms) / 1000.0 as seconds,
           b.sampled_at > blocking.at - interval '1 minute' - 3 * t.interval_seconds * interval '1 second'
             and b.sampled_at = max(b.sampled_at) over (partition by t.target_id) as is_now
      from monitoring.targets as t
      join monitoring.blocked_sessions as b
        on b.target_id = t.target_id and b.sampled_at > blocking.at - blocking.span and b.sampled_at <= blocking.at
     where (blocking.target is null or t.name = blocking.target) and t.enabled
  ),
  readings as (
    select w.name, w.root_application, w.root_user_name, w.root_state, w.relation, w.lock_mode, w.sampled_at,
           count(*) as waiting, max(w.seconds) as seconds, bool_or(w.is_now) as is_now,
           (array_agg(w.query order by w.seconds desc nulls last))[1] as blocked_query,
           (array_agg(w.root_query order by w.seconds desc nulls last))[1] as root_query
      from waited as w
     group by w.name, w.root_application, w.root_user_name, w.root_state, w.relation, w.lock_mode, w.sampled_at
  ),
  summary as (
    select r.name, r.root_application, r.root_user_name, r.root_state, r.relation, r.lock_mode,
           coalesce(sum(r.waiting) filter (where r.is_now), 0)::int8 as now_waiting, max(r.waiting) as peak,
           max(r.seconds) as seconds, count(*) as readings, min(r.sampled_at) as first_seen,
           max(r.sampled_at) as last_seen,
           (array_agg(r.blocked_query order by r.seconds desc nulls last))[1] as blocked_query,
           (array_agg(r.root_query order by r.seconds desc nulls last))[1] as root_query
      from readings as r
     group by r.name, r.root_application, r.root_user_name, r.root_state, r.relation, r.lock_mode
  )
  select s.name, case when s.seconds >= 300 then 'critical' when s.seconds >= 60 then 'warning' else 'info' end,
         s.root_application, s.root_user_name, s.root_state, s.relation, s.lock_mode, s.now_waiting, s.peak,
         s.seconds::float8, s.readings, s.first_seen, s.last_seen, s.blocked_query, s.root_query,
         case
           when s.root_state is null then
             'they waited for each other, and the server ended one: let all transactions take their locks in one order'
           when s.root_state = 'prepared transaction' then
             'a prepared transaction was forgotten: select gid, prepared from pg_prepared_xacts; rollback prepared GID'
           when s.root_state like 'idle in transaction%' then
             'it kept its locks and did nothing: commit before anything slow; alter role '
             || coalesce(quote_ident(s.root_user_name), 'NAME')
             || ' set idle_in_transaction_session_timeout = ''1min'''
           when s.lock_mode in ('AccessExclusiveLock', 'ShareRowExclusiveLock') and s.relation is not null then
             'a change of a table waited, and everybody behind it: set lock_timeout = ''5s'' before each, and try again'
           else
             'who waits for whom now: select pid, pg_blocking_pids(pid), wait_event, query from pg_stat_activity where '
             || 'cardinality(pg_blocking_pids(pid)) > 0; make the transactions that change the same rows shorter'
         end
    from summary as s
   order by s.seconds desc nulls last, s.name, s.peak desc, s.relation, s.lock_mode
$function$;
