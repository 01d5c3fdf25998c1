-- name: process_invalidations
-- threshold class: job
-- threshold ms: 10000
-- role: owner
-- parameters:
--
-- A worker: computes the dashboards that changes have made out of date, four times a second.
select refreshed::int8 as refreshed from guardian.process_invalidations(100, 500);
\sleep 250 ms
