-- How many users of each kind send requests.
select
  (select count(*) from guardian_load.patients)::int8 as patients,
  (select count(*) from guardian_load.grants)::int8 as grants
