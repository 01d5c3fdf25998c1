-- Ends a silence ($1) now; one that has not begun yet never was.
with ended as (
  update monitoring.silences as s set ends_at = now()
   where s.silence_id = $1 and s.ends_at > now() and s.starts_at < now()
  returning 1
),
removed as (
  delete from monitoring.silences as s where s.silence_id = $1 and s.starts_at >= now()
  returning 1
)
select ((select count(*) from ended) + (select count(*) from removed))::int8 as removed
