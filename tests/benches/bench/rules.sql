-- A hundred targets with ten minutes of samples each, and a thousand rules: on statements, sessions, databases, tables, WAL
-- and replication, with label filters and windows of one and five minutes. All is read as lately as it should be.
insert into monitoring.targets (name, address, labels)
select 'bench-' || n, 'postgres://pgvitals_collector@127.0.0.1:1/shop', pg_catalog.jsonb_build_object('team', 'team-' || n % 7)
from generate_series(1, 100) as n;

insert into monitoring.target_state (target_id, up, last_success_at)
select t.target_id, true, now() from monitoring.targets as t
on conflict (target_id) do update set up = true, last_success_at = now();

insert into monitoring.collector_status (target_id, collector, outcome, at, last_success_at)
select t.target_id, c.collector, 'ok', now(), now()
from monitoring.targets as t cross join monitoring.collectors as c
where t.name like 'bench-%' and c.target_kind = 'postgres' and c.interval_seconds is not null;

-- 300 statements of each target run all the time, in 5 to 155 ms.
insert into monitoring.statements (target_id, statement_key, database, user_name, query_id, top_level, query)
select t.target_id, '1/1/' || n || '/t', 'shop', 'app', n, true, 'select * from table_' || n || ' where a = $1 order by b'
from monitoring.targets as t cross join generate_series(1, 300) as n
where t.name like 'bench-%';

insert into monitoring.statement_samples
select s.target_id, s.statement_id, now() - n * interval '15 seconds', 15000, 10, 0, 10 * (5000 + 500 * s.query_id + 37 * n),
  100, 0, 0, 0, 0, 0, 0, 0, 0, 0
from monitoring.statements as s cross join generate_series(0, 39) as n
order by n desc, s.target_id, s.statement_id;

insert into monitoring.activity_samples
select t.target_id, now() - n * interval '15 seconds', 40 + n % 10, 100, 3, 8, 30, 1, 0, 1, 5000, 3000, 1000
from monitoring.targets as t cross join generate_series(0, 39) as n;

insert into monitoring.database_samples
select t.target_id, now() - n * interval '15 seconds', 'database_' || d, 15000, null, 5, 1000, 10, 100, 20000,
  1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0
from monitoring.targets as t cross join generate_series(0, 39) as n cross join generate_series(1, 3) as d;

-- The subjects of collectors: 100 tables, three databases, one receiver and one of WAL.
insert into monitoring.subjects (target_id, collector_id, subject_key, labels)
select t.target_id, c.collector_id, 'public/' || c.collector || '_' || n,
  pg_catalog.jsonb_build_object('schema', 'public', 'table', 'table_' || n, 'database', 'database_' || n)
from monitoring.targets as t
cross join (
  values ('tables', 100), ('vacuum', 100), ('table_bloat', 100), ('wraparound', 3), ('database_sizes', 3), ('wal', 1),
    ('replication', 1), ('replication_lag', 1), ('checkpoints', 1), ('sequences', 50), ('statement_entries', 1)
) as wanted (collector, subjects)
join monitoring.collectors as c using (collector)
cross join lateral generate_series(1, wanted.subjects) as n
where t.name like 'bench-%';

insert into monitoring.samples (subject_id, target_id, collector_id, sampled_at, interval_ms, "values")
select u.subject_id, u.target_id, u.collector_id, now() - n * interval '1 minute', 60000,
  array(select (u.subject_id * place % 40)::int8 from generate_series(1, pg_catalog.cardinality(c.columns)) as place)
from monitoring.subjects as u
join monitoring.collectors as c using (collector_id)
cross join lateral generate_series(0, case when c.interval_seconds <= 60 then 9 else 1 end) as n
order by n desc, u.target_id, u.subject_id;

insert into monitoring.rules
  (rule_id, summary, metric, aggregate, comparison, warning, critical, resolve, window_seconds, labels)
select
  'bench_' || n, 'rule ' || n, kind.metric, kind.aggregate, 'above', kind.warning + n, kind.warning + n + 1000, kind.warning,
  case when n % 3 = 0 then 300 else 60 end,
  case n % 4
    when 0 then '{}'::jsonb
    when 1 then pg_catalog.jsonb_build_object('target', pg_catalog.jsonb_build_object('like', 'bench-' || n % 9 || '%'))
    when 2 then pg_catalog.jsonb_build_object('team', 'team-' || n % 7)
    else pg_catalog.jsonb_build_object('database', pg_catalog.jsonb_build_object('not', 'database_1'))
  end
from generate_series(1, 955) as n
join (
  values
    (0, 'statement_mean_ms', null, 150), (1, 'statement_mean_ms', null, 140), (2, 'connection_use_percent', null, 70),
    (3, 'active_connections', 'max', 50), (4, 'query_mean_ms', null, 200), (5, 'rollback_percent', null, 20),
    (6, 'temp_bytes_per_second', null, 1000), (7, 'tables.live_rows', null, 100), (8, 'wal.bytes', null, 1000),
    (9, 'replication.replay_lag_bytes', 'p95', 1000), (10, 'vacuum.vacuum_pressure_permille', 'max', 1000),
    (11, 'wraparound_percent', null, 10), (12, 'database_sizes.size_bytes', null, 1000),
    (13, 'longest_transaction_seconds', null, 600), (14, 'statement_mean_ms', null, 152),
    (15, 'table_bloat.bloat_permille', null, 500), (16, 'replication_lag.lag_ms', null, 1000)
) as kind (place, metric, aggregate, warning) on kind.place = n % 17;

analyze monitoring.targets;
analyze monitoring.statements;
analyze monitoring.statement_samples;
analyze monitoring.samples;
analyze monitoring.subjects;
analyze monitoring.collector_status;
