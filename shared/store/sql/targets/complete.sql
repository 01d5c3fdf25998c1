-- Writes what became of a claimed target and gives it back: $1 target, $2 who held it, $3 up, $4 error code, $5 error,
-- $6 server version, $7 server start, $8 in recovery. Nothing is written by one whose lease was taken over.
--
-- A server that was up when it was last seen and has been started since was away. Where the monitoring database was
-- started since as well, nobody could write so at the time: the outage is noticed now. It lasted from the first
-- collection that was missed, so that a restart between two collections is none.
update monitoring.target_state as s
   set up = $3,
       outage_seconds = case when outage.seconds > 0 then outage.seconds else s.outage_seconds end,
       outage_noticed_at = case when outage.seconds > 0 then now() else s.outage_noticed_at end,
       last_success_at = case when $3 then now() else s.last_success_at end,
       down_since = case when $3 then null else coalesce(s.down_since, now()) end,
       error_code = case when $3 then null else $4::text end,
       error = case when $3 then null else $5::text end,
       server_version = coalesce($6::int4, s.server_version),
       server_started_at = coalesce($7::timestamptz, s.server_started_at),
       in_recovery = coalesce($8::bool, s.in_recovery),
       lease_until = null,
       lease_holder = null
  from monitoring.targets as t
  left join lateral (
    select pg_catalog.date_part(
      'epoch',
      $7::timestamptz - greatest(held.last_success_at, held.watched_since) - t.interval_seconds * interval '1 second'
    ) as seconds
    from monitoring.target_state as held
    where held.target_id = t.target_id and held.up and $3
      and pg_catalog.pg_postmaster_start_time() > held.last_success_at
  ) as outage on true
 where s.target_id = $1::int4 and s.lease_holder = $2 and t.target_id = s.target_id
