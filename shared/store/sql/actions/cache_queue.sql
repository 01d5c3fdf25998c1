-- Whether the database has the function by which its application refreshes caches, and whether the login may call it.
select
  (hook.function is not null)::bool as is_there,
  coalesce(pg_catalog.has_function_privilege(hook.function, 'execute'), false)::bool as may_call
from (select pg_catalog.to_regprocedure('pgvitals.refresh_cache_queue(bigint)')::oid) as hook (function)
