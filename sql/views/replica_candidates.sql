-- shows: statements that only read and could be sent to a replica, by what that would take off the primary
--
-- A candidate is asked by a client (not from within a function), is a select without locks or functions that write, and
-- changed as good as nothing: 100 bytes of WAL a call are left for hint bits. What a function called in it does is not
-- known: whoever moves a statement looks. Of all time of statements 10 % is a high priority, 3 % a medium one; below one
-- percent moving is not worth it.
create function monitoring.replica_candidates(
  target text default null,
  at timestamptz default now(),
  span interval default interval '24 hours'
)
  returns table (
    target text, severity text, priority text, share_of_time_percent float8, share_of_blocks_percent float8,
    calls_per_second float8, mean_ms float8, replicas int8, greatest_lag_seconds float8, database text, user_name text,
    query_id int8, query text, advice text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $function$
  with watched as (
    select t.target_id, t.name,
           -- Without a word of the state the target is taken for a primary: most are.
           coalesce(z.in_recovery, false) as in_recovery
      from monitoring.targets as t
      left join monitoring.target_state as z using (target_id)
     where (replica_candidates.target is null or t.name = replica_candidates.target) and t.enabled
  ),
  ran as materialized (
    select w.target_id, h.statement_id, sum(h.calls) as calls, sum(h.exec_us) as exec_us,
           sum(h.blocks_hit + h.blocks_read) as blocks, sum(h.wal_bytes) as wal_bytes, min(h.hour) as first_hour
      from watched as w
      cross join lateral monitoring.statement_hours_between(
        w.target_id, replica_candidates.at - replica_candidates.span, replica_candidates.at
      ) as h
     where not w.in_recovery
     group by w.target_id, h.statement_id
  ),
  shared as (
    select r.*, 100 * exec_us / nullif(sum(exec_us) over (partition by target_id), 0) as time_percent,
           100 * blocks / nullif(sum(blocks) over (partition by target_id), 0) as blocks_percent,
           least(
             extract(epoch from replica_candidates.at - min(first_hour) over (partition by target_id)),
             extract(epoch from replica_candidates.span)
           ) as seconds
      from ran as r
  ),
  standby as (
    select w.target_id, count(*) as replicas,
           max(monitoring.number_of(l.numbers, l.columns, 'replay_lag_us')) / 1e6 as lag_seconds
      from watched as w
      cross join lateral monitoring.last_samples(w.target_id, 'replication', replica_candidates.at) as l
     group by w.target_id
  )
  select w.name, case when s.time_percent >= 10 then 'info' else 'ok' end,
         case when s.time_percent >= 10 then 'high' when s.time_percent >= 3 then 'medium' else 'low' end,
         s.time_percent::float8, s.blocks_percent::float8, (s.calls / greatest(s.seconds, 1))::float8,
         s.exec_us / 1000.0 / s.calls::float8, coalesce(b.replicas, 0), b.lag_seconds::float8, k.database, k.user_name,
         k.query_id, k.query,
         case
           when b.replicas > 0 then
             'send it to a replica where the application can do with what was committed '
             || round(coalesce(b.lag_seconds, 0)::numeric, 1) || ' s ago; not what reads back what it has just written'
           else 'a replica would take it over; until there is one, a cache or an index does more'
         end
    from shared as s
    join watched as w using (target_id)
    join monitoring.statements as k on k.target_id = s.target_id and k.statement_id = s.statement_id
    left join standby as b on b.target_id = s.target_id
   where s.calls > 0 and s.time_percent >= 1 and k.top_level
     and s.wal_bytes <= s.calls * 100
     and k.query ~* '^([[:space:](]|/[*]([^*]|[*][^/])*[*]/)*(select|with|table)[[:>:]]'
     and k.query !~* (
       '[[:<:]](for[[:space:]]+(no[[:space:]]+key[[:space:]]+)?update|for[[:space:]]+(key[[:space:]]+)?share|insert|update'
       || '|delete|merge|into|nextval|setval|pg_(try_)?advisory[[:alnum:]_]*|pg_notify|set_config|lo_[[:alnum:]_]+'
       || '|dblink[[:alnum:]_]*)[[:>:]]'
     )
     and (k.user_name is null or k.user_name not in (
       'pgvitals_collector', 'pgvitals_maintenance', 'pgvitals_writer', 'pgvitals_alerter', 'pgvitals_manager',
       'pgvitals_viewer', 'pgvitals_operator'
     ))
   order by s.time_percent desc, w.name
$function$;
