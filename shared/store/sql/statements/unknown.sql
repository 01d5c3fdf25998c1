-- Those of some statements ($2 keys) of a target ($1) whose text is not known and was not asked for lately.
select wanted.statement_key::text as statement_key
from pg_catalog.unnest($2::text[]) as wanted (statement_key)
where not exists (
  select 1
  from monitoring.statements as known
  where known.target_id = $1::int4 and known.statement_key = wanted.statement_key
    and (known.query is not null or known.utility or known.text_checked_at > now() - interval '10 minutes')
)
