-- A PgBouncer is a target of its own kind: other collectors ask it, in another way.

alter table monitoring.targets
  add column kind text not null default 'postgres',
  add constraint targets_kind_is_known check (kind in ('postgres', 'pgbouncer'));

comment on column monitoring.targets.kind is 'postgres: a database of a server; pgbouncer: the console of a PgBouncer, postgres://USER@IP:PORT/pgbouncer';

alter table monitoring.collectors
  add column target_kind text not null default 'postgres',
  add constraint collectors_target_kind_is_known check (target_kind in ('postgres', 'pgbouncer'));

comment on column monitoring.collectors.target_kind is 'the kind of target that it asks';
