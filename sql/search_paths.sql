-- The search path of the functions in the schema monitoring that were made without one. Idempotent; run after every
-- migration, as pgvitals_owner. With it their operators are those of the catalog, whoever calls them.
--
-- Left out are those that PostgreSQL plans as a part of the statement that calls them, which it does for plain SQL functions
-- without a `set` only: histogram_bucket and histogram_value are called for every sample of a roll-up, label_fits for every
-- sample of a rule, and what is in sql/views/sources is read through a condition of its caller. Their operators are looked up
-- under the path of the caller: every session of ours is pinned, and the roll-ups and views that call them have a path of
-- their own.

alter function monitoring.histogram_quantile(jsonb, float8) set search_path = pg_catalog, pg_temp;
alter function monitoring.retention_of(text) set search_path = pg_catalog, pg_temp;
alter function monitoring.longest_retention(text) set search_path = pg_catalog, pg_temp;
alter function monitoring.rolled_up_to(text, text) set search_path = pg_catalog, pg_temp;
alter function monitoring.complete_until(int4, text, text) set search_path = pg_catalog, pg_temp;
alter function monitoring.rolled_percentiles(text) set search_path = pg_catalog, pg_temp;
alter function monitoring.is_label_filter(jsonb) set search_path = pg_catalog, pg_temp;
alter function monitoring.is_object_of_texts(jsonb) set search_path = pg_catalog, pg_temp;
alter function monitoring.check_rule_metric() set search_path = pg_catalog, pg_temp;
alter function monitoring.are_matchers(jsonb) set search_path = pg_catalog, pg_temp;
alter function monitoring.is_number_within(jsonb, int8, int8) set search_path = pg_catalog, pg_temp;
alter function monitoring.is_name(jsonb) set search_path = pg_catalog, pg_temp;
alter function monitoring.is_truth(jsonb) set search_path = pg_catalog, pg_temp;
alter function monitoring.is_response(text, jsonb) set search_path = pg_catalog, pg_temp;
