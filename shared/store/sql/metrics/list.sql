-- What rules can watch, by name.
select
  m.metric::text, m.unit::text, m.subject_kind::text, m.description::text, m.aggregates::text[]
from monitoring.metrics as m
where m.present
order by m.is_generic, m.metric
