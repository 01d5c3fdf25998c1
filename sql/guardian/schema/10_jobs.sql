-- How jobs are queued, claimed and ended. All of it is a few index entries, whatever is in the table.

create function guardian.enqueue_job(
  kind text,
  payload jsonb default '{}',
  priority int8 default 0,
  run_after timestamptz default now(),
  maximum_attempts int8 default 5
)
  returns int8
  language sql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
  insert into guardian.jobs (kind, payload, priority, run_after, maximum_attempts)
  values (enqueue_job.kind, enqueue_job.payload, enqueue_job.priority::int4, enqueue_job.run_after,
    enqueue_job.maximum_attempts::int4)
  returning job_id
$function$;

-- Queues the jobs again whose worker let its lease run out, or buries those that have had all their attempts. Answers how
-- many. Workers that claim do so anyway: a queue needs no other keeper.
create function guardian.release_expired_jobs()
  returns int8
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
declare
  released int8;
begin
  update guardian.jobs as job
     set state = case when job.attempts < job.maximum_attempts then 'queued' else 'dead' end,
         finished_at = case when job.attempts < job.maximum_attempts then null else clock_timestamp() end,
         last_error = format('the lease of worker %s ran out', job.locked_by),
         locked_by = null,
         locked_until = null
   where job.job_id in (
     select expired.job_id from guardian.jobs as expired
      where expired.state = 'running' and expired.locked_until < clock_timestamp()
      order by expired.locked_until limit 100
      for update skip locked
   );
  get diagnostics released = row_count;
  return released;
end
$function$;

-- Leases the next job of the given kinds, or of any, to a worker: the one with the highest priority, then the one that
-- waits longest. No row where there is none. Workers never wait for each other and never get the same job.
create function guardian.claim_job(worker text, kinds text[] default null, lease_seconds int8 default 60)
  returns table (job_id int8, kind text, payload jsonb, attempts int8, locked_until timestamptz)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
begin
  perform guardian.release_expired_jobs();
  return query
    update guardian.jobs as job
       set state = 'running',
           attempts = job.attempts + 1,
           locked_by = claim_job.worker,
           locked_until = clock_timestamp() + claim_job.lease_seconds * interval '1 second'
     where job.job_id = (
       select next.job_id from guardian.jobs as next
        where next.state = 'queued' and next.run_after <= clock_timestamp()
          and (claim_job.kinds is null or next.kind = any (claim_job.kinds))
        order by next.priority desc, next.run_after, next.job_id
        limit 1
        for update skip locked
     )
    returning job.job_id, job.kind, job.payload, job.attempts::int8, job.locked_until;
end
$function$;

-- Ends a job. False where the worker does not hold it any more: its lease ran out, and another worker has it.
create function guardian.complete_job(of_job int8, worker text)
  returns bool
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
begin
  update guardian.jobs as job
     set state = 'done', finished_at = clock_timestamp(), locked_by = null, locked_until = null, last_error = null
   where job.job_id = complete_job.of_job and job.state = 'running' and job.locked_by = complete_job.worker;
  return found;
end
$function$;

-- Gives a job back that failed: to be tried again after 10 s, 20 s, 40 s … up to an hour, or dead after its last attempt.
-- Answers its state now, or null where the worker does not hold it any more.
create function guardian.fail_job(of_job int8, worker text, error text)
  returns text
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
declare
  state_now text;
begin
  update guardian.jobs as job
     set state = case when job.attempts < job.maximum_attempts then 'queued' else 'dead' end,
         finished_at = case when job.attempts < job.maximum_attempts then null else clock_timestamp() end,
         run_after = clock_timestamp()
           + least(10 * 2.0 ^ least(job.attempts - 1, 20), 3600) * interval '1 second',
         last_error = fail_job.error,
         locked_by = null,
         locked_until = null
   where job.job_id = fail_job.of_job and job.state = 'running' and job.locked_by = fail_job.worker
  returning job.state into state_now;
  return state_now;
end
$function$;

-- Queues the dead jobs of a kind, or of all, once more, with all their attempts. Answers how many.
create function guardian.revive_dead_jobs(of_kind text default null)
  returns int8
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
declare
  revived int8;
begin
  update guardian.jobs as job
     set state = 'queued', attempts = 0, run_after = clock_timestamp(), finished_at = null
   where job.state = 'dead' and (of_kind is null or job.kind = of_kind);
  get diagnostics revived = row_count;
  return revived;
end
$function$;

-- Removes jobs that are done for so many days, at most `batch` at once. Dead ones stay until somebody has seen to them.
create function guardian.remove_finished_jobs(older_than_days int8 default 7, batch int8 default 10000)
  returns int8
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $function$
declare
  removed int8;
begin
  delete from guardian.jobs as job
   where job.job_id in (
     select old.job_id from guardian.jobs as old
      where old.state = 'done' and old.finished_at < now() - older_than_days * interval '1 day'
      order by old.finished_at limit batch
      for update skip locked
   );
  get diagnostics removed = row_count;
  return removed;
end
$function$;

-- How many jobs of each kind wait, run, and died, and how long the first has been waiting.
create view guardian.job_summary as
select j.kind, j.state, count(*) as jobs,
       greatest(max(extract(epoch from clock_timestamp() - j.run_after)) filter (where j.state = 'queued'), 0)::float8
         as waiting_seconds,
       max(j.attempts)::int8 as most_attempts
  from guardian.jobs as j
 where j.state <> 'done'
 group by j.kind, j.state;
