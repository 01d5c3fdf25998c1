-- Has the application refresh caches for $1 milliseconds; gives how many it refreshed.
select pgvitals.refresh_cache_queue($1)::int8 as refreshed
