-- Writes how receivers are doing: $1 a list with an object for each attempt, $2 from how many failures in a row on a
-- receiver is left alone, $3 for how many seconds then, doubled with each failure more, $4 at most.
--
-- One answer is enough for a receiver to count as working. What it refuses (`refused`) says nothing about the receiver.
-- One that asked to be left alone (`rest_seconds`) is, and one that is gone for good is switched off.
with attempt as (
  select a.*
  from rows from (
    pg_catalog.jsonb_to_recordset($1::jsonb) as (channel_id int4, outcome text, rest_seconds float8, error text)
  ) with ordinality as a (channel_id, outcome, rest_seconds, error, place)
),
news as (
  select
    attempt.channel_id,
    bool_or(attempt.outcome = 'delivered') as works,
    bool_or(attempt.outcome = 'gone') as gone,
    count(*) filter (where attempt.outcome = 'failed') as failures,
    max(attempt.rest_seconds) as rest_seconds,
    (array_agg(attempt.error order by attempt.place desc) filter (where attempt.error is not null))[1] as error
  from attempt
  group by attempt.channel_id
)
update monitoring.channels as c
   set consecutive_failures = health.failures,
       open_until = case
         when news.rest_seconds is null and health.failures < $2::int8 then null
         else now() + interval '1 second' * greatest(
           coalesce(news.rest_seconds, 0),
           case when health.failures < $2::int8 then 0
             else least($3::float8 * 2 ^ least(health.failures - $2::int8, 20), $4::float8) end
         )
       end,
       enabled = c.enabled and not news.gone,
       last_success_at = case when news.works then now() else c.last_success_at end,
       last_error = coalesce(news.error, c.last_error),
       last_error_at = case when news.error is null then c.last_error_at else now() end
  from news
  join monitoring.channels as before using (channel_id)
  cross join lateral (
    select case when news.works then 0 else least(before.consecutive_failures + news.failures, 1000000) end as failures
  ) as health
 where c.channel_id = news.channel_id
