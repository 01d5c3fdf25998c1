-- The time, in seconds since 1970.
select (pg_catalog.date_part('epoch', now()))::float8 as now
