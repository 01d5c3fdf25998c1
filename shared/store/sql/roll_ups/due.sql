-- What has a bucket that is complete and not rolled up yet, oldest first.
select
  p.target_id::int8 as target_id,
  t.name::text as target,
  p.sample_table::text as sample_table,
  p.resolution::text as resolution,
  (p.rolled_to at time zone 'UTC')::timestamp as rolled_to
from monitoring.roll_up_progress as p
join monitoring.targets as t on t.target_id = p.target_id
where p.rolled_to + case p.resolution when 'hourly' then interval '1 hour' else interval '1 day' end
  <= monitoring.complete_until(p.target_id, p.sample_table, p.resolution)
order by p.rolled_to, p.target_id, p.sample_table, p.resolution
