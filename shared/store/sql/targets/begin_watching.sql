-- Begins to watch after a stop that was planned: what was not seen until now is no outage.
update monitoring.target_state set watched_since = now()
