-- What the metrics endpoint shows of a reading with more subjects than it may have series: who is shown by name, and what
-- the others did together.
--
-- Written with the reading itself, in one transaction, by whoever collects; the endpoint only reads. Unlogged as the
-- readings are: after a crash the ranking makes it anew.
create unlogged table monitoring.exposed (
  target_id int4 not null references monitoring.targets on delete cascade,
  collector text not null,
  version int8 not null,
  counter_columns text[] not null,
  gauge_columns text[] not null,
  subjects text[] not null,
  shown int8[] not null,
  sizes int8[] not null,
  counters int8[] not null,
  gauges int8[] not null,
  primary key (target_id, collector),
  constraint exposed_is_rectangular check (
    cardinality(shown) = cardinality(subjects) and cardinality(sizes) = cardinality(subjects)
    and cardinality(counters) = cardinality(counter_columns) * cardinality(subjects)
    and cardinality(gauges) = cardinality(gauge_columns) * cardinality(subjects)
  )
);

alter table monitoring.exposed set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100,
  toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 5000
);

comment on table monitoring.exposed is 'What the metrics endpoint shows of a reading, where that is not all of it. Current while its version is that of monitoring.counter_snapshots.';
comment on column monitoring.exposed.subjects is '=KEY one subject; *SCHEMA.TABLE all partitions of a table; an empty text all that are not shown';
comment on column monitoring.exposed.shown is '1, or 0 for a partitioned table that only goes on counting';
comment on column monitoring.exposed.sizes is 'how many subjects each row stands for';
comment on column monitoring.exposed.counters is 'row by row; of several subjects what they counted since they are known, which never goes back';
comment on column monitoring.exposed.gauges is 'row by row, as monitoring.counter_snapshots.gauges';
