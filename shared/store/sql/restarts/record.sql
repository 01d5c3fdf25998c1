-- Writes that a process of the monitor ($1) ended by itself $2 seconds ago, and why ($3); forgets what is 90 days old.
with forgotten as (
  delete from monitoring.process_restarts where recorded_at < now() - interval '90 days'
)
insert into monitoring.process_restarts (process, ended_at, reason)
values ($1, now() - $2 * interval '1 second', $3)
