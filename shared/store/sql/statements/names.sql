-- The names of some statements ($2 keys) of a target ($1).
select
  s.statement_key::text, s.database::text, s.user_name::text, s.query_id::int8, s.top_level::bool, s.query::text
from monitoring.statements as s
where s.target_id = $1::int4 and s.statement_key = any($2::text[])
