-- name: bulk_toggle
-- threshold class: bulk
-- threshold ms: 200
-- role: owner
-- parameters: reason
--
-- Bulk mode on and off, with the search for orphans at its end.
select e.bulk_operation_id::int8, e.rows_changed::int8, e.orphans::int8, e.elapsed_ms::float8
  from guardian.begin_bulk(:reason::text) as b (bulk_operation_id)
 cross join lateral guardian.end_bulk(b.bulk_operation_id) as e
