-- Which cohorts were seeded, and of which data. The row comes with the cohort, in one transaction: a run that was
-- interrupted goes on with the first cohort that is not here.
create table if not exists guardian.seeded_cohorts (
  cohort int8 primary key,
  seed int8 not null,
  until date not null,
  created_at timestamptz not null default now()
);

alter table guardian.seeded_cohorts enable row level security;
