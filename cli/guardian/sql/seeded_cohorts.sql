-- The cohorts that are there.
select cohort::int8, seed::int8, until::text from guardian.seeded_cohorts order by cohort
