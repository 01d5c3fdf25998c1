-- The rules every installation begins with. They are rows like any other: change, disable or delete them.

insert into monitoring.rules
  (rule_id, summary, metric, comparison, warning, critical, emergency, resolve, window_seconds, for_seconds, minimum_traffic, runbook)
values
  ('slow_statement', 'A statement is slow on average', 'statement_mean_ms', 'above',
   250, 500, 1000, 225, 60, 0, 3, 'docs/runbooks/slow_statement.md'),
  ('connection_use', 'Connections are running out', 'connection_use_percent', 'above',
   70, 85, 95, 65, 60, 0, 0, 'docs/runbooks/connection_use.md'),
  -- 10,000 blocks are 78 MB: a database that reads less in five minutes is idle, and its ratio says nothing.
  ('cache_hit', 'A database reads much from disk', 'cache_hit_percent', 'below',
   95, 90, 80, 96, 300, 0, 10000, 'docs/runbooks/cache_hit.md'),
  ('target_down', 'A target does not answer', 'target_down_seconds', 'above',
   5, 30, 300, 1, 60, 0, 0, 'docs/runbooks/target_down.md')
on conflict (rule_id) do nothing;
