-- Notes a cohort whose rows follow in the same transaction. $1 cohort, $2 seed, $3 until.
insert into guardian.seeded_cohorts (cohort, seed, until) values ($1, $2, $3::date)
