-- Adds a channel, or changes the one of that name, which then begins anew: $1 name, $2 kind, $3 url, $4 secret, $5 key,
-- $6 settings, $7 minimum level, $8 seconds that its receiver may take.
insert into monitoring.channels (name, kind, url, secret, key, settings, minimum_level, timeout_seconds)
values ($1, $2, $3::text, $4::text, $5::text, $6::jsonb, $7, $8::int8)
on conflict (name) do update
  set kind = excluded.kind, url = excluded.url, secret = excluded.secret, key = excluded.key,
      settings = excluded.settings, minimum_level = excluded.minimum_level,
      timeout_seconds = excluded.timeout_seconds, enabled = true, consecutive_failures = 0, open_until = null,
      last_error = null, last_error_at = null
returning channel_id::int8
