-- All channels, by name.
select
  c.channel_id::int8, c.name::text, c.kind::text, c.url::text, c.secret::text, c.minimum_level::text, c.enabled::bool
from monitoring.channels as c
order by c.name
