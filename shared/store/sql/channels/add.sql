-- Adds a channel, or changes the one of that name: $1 name, $2 kind, $3 url, $4 secret, $5 minimum level.
insert into monitoring.channels (name, kind, url, secret, minimum_level)
values ($1, $2, $3::text, $4::text, $5)
on conflict (name) do update
  set kind = excluded.kind, url = excluded.url, secret = excluded.secret, minimum_level = excluded.minimum_level
returning channel_id::int8
