-- shows: from when on samples are read themselves: what is before it is read from the roll-up by the hour
--
-- Not before the hour of `ends`, so that what is asked of the past ends where it should.
create function monitoring.raw_from(
  of_target int4, of_table text, ends timestamptz
)
  returns table (raw_from timestamptz)
  language sql
  stable
as $function$
  select least(
    coalesce(
      (
        select p.rolled_to from monitoring.roll_up_progress as p
         where p.target_id = of_target and p.sample_table = of_table and p.resolution = 'hourly'
      ),
      '-infinity'
    ),
    pg_catalog.date_trunc('hour', ends, 'UTC')
  )
$function$;
