-- Every collector of this release that stores samples, with the positions of its columns.
select c.collector_id::int8, c.collector::text, c.labels::text[], c.texts::text[], c.columns::text[], c.kinds::text[]
from monitoring.collectors as c
where c.present and c.keeps <> 'own'
order by c.collector
