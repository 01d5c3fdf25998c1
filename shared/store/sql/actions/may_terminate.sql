-- Whether the login may see what all sessions do, and end them.
select
  pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'usage')::bool as sees_sessions,
  pg_catalog.pg_has_role(current_user, 'pg_signal_backend', 'usage')::bool as ends_sessions
