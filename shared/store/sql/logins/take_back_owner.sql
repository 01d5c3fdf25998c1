-- The statement that lets the owner of the schema in no longer.
select 'alter role pgvitals_owner nologin password null valid until ''infinity'''::text as statement
