//! A large database: what a big application leaves in the catalogs, the statistics and pg_stat_statements.
//!
//! Ten schemas with tables of a few rows each, one in ten a partition, with keys, foreign keys, indexes in use, unused
//! and double, and as many different statements as wanted. Built within half a minute: it is the number of things that
//! makes monitoring dear, not their size. One table, [`BIG_TABLE`], is large enough to be worth scanning.

use std::ops::Range;

use anyhow::{Context, Result};
use tokio_postgres::Client;

/// What a server needs in its settings to hold [`Workload::LARGE`]: room for its statements.
pub const SETTINGS: [(&str, &str); 1] = [("pg_stat_statements.max", "10000")];

/// The table with the most rows, in every workload.
pub const BIG_TABLE: &str = "shop_0.t0000";
/// How many rows it has.
const BIG_ROWS: usize = 100_000;

const SCHEMAS: usize = 10;
/// How many partitions each partitioned table has.
const PARTITIONS: usize = 20;
/// Indexes of every table: its key and two more.
const INDEXES_PER_TABLE: usize = 3;
/// What is sent at once. The locks of so many new tables fit into the lock table of a small server.
const TABLES_PER_BATCH: usize = 50;
const STATEMENTS_PER_BATCH: usize = 250;

/// How large a database is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workload {
    /// Tables with rows; one in ten is a partition of a partitioned table, which comes on top.
    pub tables: usize,
    /// Statements that differ in more than their literals.
    pub statements: usize,
}

impl Workload {
    /// 2,000 tables, 6,000 indexes, 5,000 statements.
    pub const LARGE: Self = Self {
        tables: 2_000,
        statements: 5_000,
    };

    /// How many indexes the tables have, together.
    pub fn indexes(&self) -> usize {
        self.tables * INDEXES_PER_TABLE
    }

    /// Makes the tables in the database at `url`, fills and analyzes them, and runs every statement once.
    pub async fn build(&self, url: &str) -> Result<()> {
        let client = crate::database::connect(url).await?;
        let schemas: Vec<_> = (0..SCHEMAS)
            .map(|schema| format!("create schema shop_{schema}"))
            .collect();
        client
            .batch_execute(&schemas.join(";"))
            .await
            .context("cannot create the schemas of the workload")?;
        let numbers: Vec<usize> = (0..self.tables).collect();
        for batch in numbers.chunks(TABLES_PER_BATCH) {
            let statements: Vec<_> = batch.iter().map(|&number| self.create(number)).collect();
            client
                .batch_execute(&statements.join(";"))
                .await
                .context("cannot create the tables of the workload")?;
        }
        client
            .batch_execute("analyze")
            .await
            .context("cannot analyze the workload")?;
        self.run(&client, 0..self.statements).await
    }

    /// Runs some of the statements, by number; those beyond the last begin again at the first.
    pub async fn run(&self, client: &Client, numbers: Range<usize>) -> Result<()> {
        let statements: Vec<_> = numbers
            .map(|number| self.statement(number % self.statements.max(1)))
            .collect();
        for batch in statements.chunks(STATEMENTS_PER_BATCH) {
            client
                .batch_execute(&batch.join(";"))
                .await
                .context("cannot run the statements of the workload")?;
        }
        Ok(())
    }

    /// The statements that make a table with its indexes and rows.
    fn create(&self, number: usize) -> String {
        let table = self.table(number);
        let rows = if number == 0 { BIG_ROWS } else { 20 + number % 200 };
        let shape = match self.partition(number) {
            Some((root, partition)) => {
                let from = partition * 1_000;
                let to = from + 1_000;
                let create =
                    format!("create table {table} partition of {root} for values from ({from}) to ({to})");
                if partition == 0 {
                    format!("{};{create}", create_partitioned(&root))
                } else {
                    create
                }
            }
            None => create_plain(&table, number),
        };
        let first = self
            .partition(number)
            .map_or(1, |(_, partition)| partition * 1_000 + 1);
        let last = first + rows - 1;
        format!(
            "{shape};insert into {table} (id, kind, amount, note) \
             select id, id % 7, id, 'row ' || id from generate_series({first}, {last}) as id"
        )
    }

    /// The name of a table, with its schema.
    fn table(&self, number: usize) -> String {
        format!("shop_{}.t{number:04}", number % SCHEMAS)
    }

    /// The partitioned table that a table belongs to, and which of its partitions it is, from 0 on.
    fn partition(&self, number: usize) -> Option<(String, usize)> {
        // The last tenth, in whole groups.
        let groups = self.tables / 10 / PARTITIONS;
        let first = self.tables - groups * PARTITIONS;
        let position = number.checked_sub(first)?;
        let root = position / PARTITIONS;
        Some((
            format!("shop_{}.parted_{root}", root % SCHEMAS),
            position % PARTITIONS,
        ))
    }

    /// A statement that reads or changes a few rows of a table, with literals that pg_stat_statements takes out.
    fn statement(&self, number: usize) -> String {
        let table = self.table(number % self.tables);
        match number / self.tables {
            0 => format!(
                "select id, kind, amount, note, created_at from {table} where id = {number} and kind < 100 order by id limit 10"
            ),
            1 => format!(
                "update {table} set amount = amount + 1, note = 'changed by statement {number}' where id = {}",
                number % 20
            ),
            again => {
                // As many columns more as it takes to make a statement unlike the ones before it.
                let sums = vec!["sum(amount)"; again - 1].join(", ");
                format!(
                    "select kind, {sums} from {table} where kind = {} group by kind",
                    number % 7
                )
            }
        }
    }
}

/// An ordinary table. Some lack what advice is about: a primary key, an index on a foreign key, indexes that differ.
fn create_plain(table: &str, number: usize) -> String {
    let key = if number % 50 == 49 { "" } else { " primary key" };
    let name = table.replace('.', "_");
    // One in forty has the same index twice; a table without a primary key has another index instead.
    let second = if number % 40 == 39 { "kind" } else { "amount, kind" };
    let instead = if key.is_empty() {
        format!(";create unique index {name}_id on {table} (id)")
    } else {
        String::new()
    };
    let reference = if number > 0 && number.is_multiple_of(20) {
        format!(", parent int8 references {BIG_TABLE} (id)")
    } else {
        String::new()
    };
    format!(
        "create table {table} (id int8{key}, kind int4 not null, amount int8, note text, \
         created_at timestamptz not null default now(), serial int4 generated always as identity{reference}){instead};\
         create index {name}_kind on {table} (kind);create index {name}_second on {table} ({second})"
    )
}

/// A partitioned table, whose partitions get its indexes.
fn create_partitioned(root: &str) -> String {
    format!(
        "create table {root} (id int8 primary key, kind int4 not null, amount int8, note text, \
         created_at timestamptz not null default now()) partition by range (id);\
         create index on {root} (kind);create index on {root} (amount, kind)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DedicatedServer, test_versions};

    #[tokio::test]
    async fn it_has_as_many_of_everything_as_it_says() {
        let workload = Workload {
            tables: 400,
            statements: 1_000,
        };
        for version in test_versions() {
            // Its own, where no other test pushes statements out.
            let server = DedicatedServer::start_with(version, &SETTINGS).await.unwrap();
            let client = crate::database::connect(&server.url("postgres")).await.unwrap();
            client
                .batch_execute("create extension pg_stat_statements")
                .await
                .unwrap();
            workload.build(&server.url("postgres")).await.unwrap();
            let count = async |sql: &str| client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0);
            let tables = "select count(*) from pg_class where relkind = 'r' and relnamespace::regnamespace::text like 'shop%'";
            assert_eq!(count(tables).await, 400);
            let indexes = "select count(*) from pg_class where relkind = 'i' and relnamespace::regnamespace::text like 'shop%'";
            assert_eq!(count(indexes).await, workload.indexes() as i64);
            let partitions =
                "select count(*) from pg_inherits join pg_class on oid = inhrelid where relkind = 'r'";
            assert_eq!(count(partitions).await, 40);
            let statements = "select count(*) from pg_stat_statements join pg_database on oid = dbid \
                              where datname = current_database() and query ~ '(from|update) shop_'";
            assert_eq!(count(statements).await, 1_000);
        }
    }

    #[test]
    fn no_statement_comes_twice() {
        let workload = Workload::LARGE;
        let without_literals = |statement: String| {
            let words: Vec<_> = statement.split([' ', '\'']).map(str::to_owned).collect();
            let kept = words.into_iter().filter(|word| word.parse::<usize>().is_err());
            kept.collect::<Vec<_>>().join(" ")
        };
        let all: std::collections::HashSet<_> = (0..workload.statements)
            .map(|number| without_literals(workload.statement(number)))
            .collect();
        assert_eq!(all.len(), workload.statements);
    }
}
