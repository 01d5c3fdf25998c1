-- Writes what became of a claimed target and gives it back: $1 target, $2 who held it, $3 up, $4 error code, $5 error,
-- $6 server version, $7 server start, $8 in recovery. Nothing is written by one whose lease was taken over.
update monitoring.target_state
   set up = $3,
       last_success_at = case when $3 then now() else last_success_at end,
       down_since = case when $3 then null else coalesce(down_since, now()) end,
       error_code = case when $3 then null else $4::text end,
       error = case when $3 then null else $5::text end,
       server_version = coalesce($6::int4, server_version),
       server_started_at = coalesce($7::timestamptz, server_started_at),
       in_recovery = coalesce($8::bool, in_recovery),
       lease_until = null,
       lease_holder = null
 where target_id = $1::int4 and lease_holder = $2
