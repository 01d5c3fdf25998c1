-- name: ssl
-- reads: pg_stat_ssl: client sessions by how they are encrypted
-- scope: instance
-- interval: 300s
-- timeout: 2s
-- versions: 13-18
-- privileges: pg_read_all_stats
-- columns: transport=key version=key cipher=key bits=label sessions=gauge
--
-- `transport` is `network`, `loopback` or `local` (a socket file): what is not encrypted matters on the network. Not
-- encrypted is version `none`. The session that asks is counted too.

select
  (
    case
      when a.client_addr is null then 'local'
      when a.client_addr <<= '127.0.0.0/8' or a.client_addr = '::1' then 'loopback'
      else 'network'
    end
  )::text as transport,
  coalesce(s.version, 'none')::text as version,
  coalesce(s.cipher, '')::text as cipher,
  max(s.bits)::text as bits,
  count(*)::int8 as sessions
from pg_catalog.pg_stat_activity as a
join pg_catalog.pg_stat_ssl as s on s.pid = a.pid
where a.backend_type in ('client backend', 'walsender')
group by 1, 2, 3
