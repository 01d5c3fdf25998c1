//! What an hour of a large target costs to roll up, and what a sample takes: as one row of all its numbers, and as a row
//! for each.

use std::time::Instant;

use anyhow::{Context, Result};
use db::Connection;
use integration_tests::{Database, Monitored, Server};
use store::roll_ups;

use crate::table::Table;

/// 2,000 tables and 6,000 indexes, with 16 numbers each, read every minute: as if every number changed all the time.
const SUBJECTS: &str = "insert into monitoring.subjects (target_id, collector_id, subject_key)
  select 1, c.collector_id, n::text from monitoring.collectors as c, generate_series(1, 8000) as n
  where c.collector = 'bench'";
const COLLECTOR: &str =
    "insert into monitoring.collectors (collector, reads, scope, keeps, labels, texts, columns, kinds)
  select 'bench', 'x', 'database', 'all', '{}', '{}', array_agg('c' || n), array_agg('counter'::text)
  from generate_series(1, 16) as n";
const SAMPLES: &str = "insert into monitoring.samples
  select s.subject_id, 1, s.collector_id, date_trunc('hour', now()) - interval '2 hours' + n * interval '1 minute', 60000,
    array(select (s.subject_id * n * position % 1000000)::int8 from generate_series(1, 16) as position)
  from generate_series(0, 59) as n, monitoring.subjects as s where s.target_id = 1";
/// 5,000 statements, all of which run in every quarter of a minute, in about the same time.
const STATEMENTS: &str = "insert into monitoring.statements (target_id, statement_key, query_id, top_level)
  select 1, '1/1/' || n || '/t', n, true from generate_series(1, 5000) as n";
const STATEMENT_SAMPLES: &str = "insert into monitoring.statement_samples
  select 1, s.statement_id, date_trunc('hour', now()) - interval '2 hours' + n * interval '15 seconds', 15000,
    10, 0, s.statement_id * 1000 * (100 + n % 20), 10, 100, 0, 0, 0, 0, 0, 0, 0, 0
  from generate_series(0, 239) as n, monitoring.statements as s where s.target_id = 1";
/// The same numbers, one to a row, with the same indexes.
const NARROW: [&str; 3] = [
    "create table public.narrow (subject_id int8, position int2, sampled_at timestamptz, interval_ms int8, value int8)",
    "create index on public.narrow (subject_id, sampled_at)",
    "insert into public.narrow
     select s.subject_id, v.position, s.sampled_at, s.interval_ms, v.value
     from monitoring.samples as s, unnest(s.values) with ordinality as v (value, position)",
];

/// Rolls up an hour of everything a large target has.
pub(crate) async fn measure(server: &Server, table: &mut Table) -> Result<()> {
    let database = Database::new(server, "bench::roll_ups").await?;
    let monitored = Monitored::on(&database).await?;
    let days = "select monitoring.make_partition(t, now() - interval '2 hours')
                from unnest(array['samples', 'statement_samples']) as t";
    for statement in [days, COLLECTOR, SUBJECTS, SAMPLES, STATEMENTS, STATEMENT_SAMPLES] {
        monitored.run(statement).await?;
    }
    for statement in NARROW {
        monitored.run(statement).await?;
    }
    let samples = per_row(&monitored, "monitoring.samples", "monitoring.samples").await?;
    let narrow = per_row(&monitored, "public.narrow", "monitoring.samples").await?;
    table.below("a sample of 16 numbers, in one row", samples, narrow, "bytes");
    table.plain("a sample of 16 numbers, in a row for each", narrow, "bytes");
    let statements = "monitoring.statement_samples";
    table.plain(
        "a sample of a statement",
        per_row(&monitored, statements, statements).await?,
        "bytes",
    );

    let admin = monitored.admin().await?;
    roll_ups::begin(&admin).await?;
    for (sample_table, what) in [
        ("samples", "an hour of 8,000 subjects"),
        ("statement_samples", "an hour of 5,000 statements"),
    ] {
        let seconds = roll_up(&admin, sample_table).await?;
        table.below(&format!("rolling up {what}"), seconds, 15.0, "s");
        let hours = format!("monitoring.{sample_table}_hourly");
        table.plain(
            &format!("a row of {sample_table}_hourly"),
            per_row(&monitored, &hours, &hours).await?,
            "bytes",
        );
    }
    Ok(())
}

/// How long the first hour of a table takes.
async fn roll_up(admin: &Connection, sample_table: &str) -> Result<f64> {
    let due = roll_ups::due(admin).await?;
    let due = due.into_iter().find(|due| due.sample_table == sample_table);
    let due = due.with_context(|| format!("nothing of {sample_table} is due"))?;
    let begin = Instant::now();
    let rows = roll_ups::roll_up(admin, &due).await?;
    rows.with_context(|| format!("an hour of {sample_table} was not rolled up"))?;
    Ok(begin.elapsed().as_secs_f64())
}

/// The bytes of one table, with indexes and partitions, for each row of another.
async fn per_row(monitored: &Monitored, sizes: &str, rows: &str) -> Result<f64> {
    let bytes = format!(
        "select coalesce(sum(pg_total_relation_size(relid)), pg_total_relation_size('{sizes}'))::int8
         from pg_partition_tree('{sizes}') where isleaf and pg_relation_size(relid) > 0"
    );
    let rows = format!("select count(*) from {rows}");
    Ok(monitored.number(&bytes).await? as f64 / monitored.number(&rows).await? as f64)
}
