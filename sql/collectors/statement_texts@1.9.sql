-- name: statement_texts
-- reads: pg_stat_statements(true): the texts of some statements, by their keys ($1, text[])
-- scope: instance
-- interval: on demand
-- timeout: 10s
-- versions: 13-18
-- privileges: pg_read_all_stats
-- extension: pg_stat_statements 1.9-1.12
-- needs: pg_stat_statements.queryid pg_stat_statements.toplevel
-- keeps: own
-- columns: statement_key=key query=text
--
-- Reading the texts loads a file that may be large: it is asked for only when there is something new. The server has
-- replaced the constants in all but utility statements, which is why the reader must leave those out.

select
  s.statement_key::text as statement_key,
  pg_catalog.left(s.query, 8192)::text as query
from (
  select
    s.dbid::int8::text || '/' || s.userid::int8::text || '/' || s.queryid::text || '/' || case when s.toplevel then 't' else 'f' end as statement_key,
    s.query
  from extension_schema.pg_stat_statements(true) as s
) as s
where s.statement_key = any($1::text[])
