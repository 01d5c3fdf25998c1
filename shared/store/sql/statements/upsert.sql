-- Writes statements of a target ($1) that were not known, or not with their text: $2 keys, $3 databases, $4 users,
-- $5 query ids, $6 'true' or 'false' for top level, $7 normalised texts, $8 'true' or 'false' for utility statements.
insert into monitoring.statements as known
  (target_id, statement_key, database, user_name, query_id, top_level, query, utility, text_checked_at)
select $1::int4, seen.statement_key, seen.database, seen.user_name, seen.query_id, seen.top_level::bool, seen.query,
  seen.utility::bool, now()
from unnest($2::text[], $3::text[], $4::text[], $5::int8[], $6::text[], $7::text[], $8::text[])
  as seen (statement_key, database, user_name, query_id, top_level, query, utility)
on conflict (target_id, statement_key) do update
  set database = coalesce(excluded.database, known.database),
      user_name = coalesce(excluded.user_name, known.user_name),
      query = case when excluded.utility then null else coalesce(excluded.query, known.query) end,
      utility = excluded.utility,
      text_checked_at = excluded.text_checked_at,
      last_seen = now()
