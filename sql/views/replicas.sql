-- shows: how far behind every replica is, as its primary and as the replica itself see it
--
-- By time: 5 s behind is info, 30 s warning, 5 min critical. By WAL still to be replayed, where the time is not known:
-- 50 MB info, 100 MB warning, 1 GB critical. A replica that has nothing to replay is not behind, however long the
-- primary has been silent.
create function monitoring.replicas(
  target text default null,
  at timestamptz default now()
)
  returns table (
    target text, severity text, seen_from text, replica text, state text, sync_state text, lag_seconds float8,
    lag_bytes int8, replay_paused bool, sampled_at timestamptz, advice text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $function$
  with watched as (
    select t.target_id, t.name from monitoring.targets as t
     where (replicas.target is null or t.name = replicas.target) and t.enabled
  ),
  seen as (
    select w.name, 'primary' as seen_from,
           concat_ws(' ', nullif(l.labels ->> 'application', ''), nullif(l.labels ->> 'client', '')) as replica,
           l.texts ->> 'state' as state, l.texts ->> 'sync_state' as sync_state,
           monitoring.number_of(l.numbers, l.columns, 'replay_lag_us') / 1e6 as seconds,
           monitoring.number_of(l.numbers, l.columns, 'replay_lag_bytes') as bytes,
           null::bool as paused, l.sampled_at
      from watched as w
      cross join lateral monitoring.last_samples(w.target_id, 'replication', replicas.at) as l
    union all
    select w.name, 'replica', w.name, null, null, monitoring.number_of(l.numbers, l.columns, 'lag_ms') / 1e3,
           monitoring.number_of(l.numbers, l.columns, 'lag_bytes'),
           monitoring.number_of(l.numbers, l.columns, 'replay_paused') = 1, l.sampled_at
      from watched as w
      cross join lateral monitoring.last_samples(w.target_id, 'replication_lag', replicas.at) as l
     where monitoring.number_of(l.numbers, l.columns, 'is_replica') = 1
  ),
  judged as (
    select s.*,
           case
             when s.bytes = 0 then 0
             when s.seconds >= 300 then 3 when s.seconds >= 30 then 2 when s.seconds >= 5 then 1
             when s.seconds is not null then 0
             when s.bytes >= 1073741824 then 3 when s.bytes >= 104857600 then 2 when s.bytes >= 52428800 then 1
             when s.bytes is not null then 0
           end as rank
      from seen as s
  )
  select j.name, coalesce((array['ok', 'info', 'warning', 'critical'])[1 + j.rank], 'unknown'), j.seen_from, j.replica,
         j.state, j.sync_state, j.seconds::float8, j.bytes, j.paused, j.sampled_at,
         case
           when j.paused then 'replay is paused: select pg_wal_replay_resume()'
           when j.rank is null then 'the login sees no positions: grant pg_monitor to it'
           when j.rank > 0 then
             'look whether a long query on the replica holds replay back (max_standby_streaming_delay), whether its disk '
             'is as fast as the primary''s, and what writes so much: see resource_use'
         end
    from judged as j
   order by j.rank desc nulls first, j.seconds desc nulls last, j.name, j.replica
$function$;
