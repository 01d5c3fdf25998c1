//! Reads a collector as a target is read: the variant that fits, in a read-only transaction, and nothing but what the
//! header says may come back.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use db::{Client, Connection, DbError, ErrorKind, Preamble, Value, unit_of_work};
use store::collectors::{Collector, ColumnKind, Fitting, Look, UnfitKind, Variant, find};

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    /// The file that was taken, without `.sql`.
    pub(crate) file: &'static str,
    /// The rows.
    pub(crate) rows: Vec<Row>,
}

/// One row, by the names of the columns.
#[derive(Debug, Clone)]
pub(crate) struct Row(BTreeMap<&'static str, Value>);

/// Why nothing came back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Refusal {
    /// The server, or the login, lacks something.
    Unfit(UnfitKind),
    /// The server refused.
    Failed(ErrorKind),
}

/// On a server that has no such view.
pub(crate) const NOT_IN_THIS_VERSION: Refusal = Refusal::Unfit(UnfitKind::NotInThisVersion);

/// The versions of PostgreSQL that a header names.
pub(crate) fn versions(variant: &Variant) -> RangeInclusive<u32> {
    let (first, last) = variant
        .versions
        .split_once('-')
        .unwrap_or((variant.versions, variant.versions));
    first.parse().unwrap()..=last.parse().unwrap()
}

/// What a server says of itself to a login.
pub(crate) async fn look(client: &Connection) -> Look {
    let (sql, parameters) = Look::statement();
    Look::read(client.query(sql, &parameters).await.unwrap().one().unwrap()).unwrap()
}

/// Reads a collector that must be readable.
pub(crate) async fn read(client: &Connection, collector: &str) -> Reading {
    try_read(client, collector)
        .await
        .unwrap_or_else(|refusal| panic!("{collector}: {refusal:?}"))
}

/// Reads a collector, or tells why it cannot be read.
pub(crate) async fn try_read(client: &Connection, collector: &str) -> Result<Reading, Refusal> {
    try_read_as(client, &look(client).await, collector).await
}

/// The same by what was said to another login.
pub(crate) async fn try_read_as(
    client: &Connection,
    look: &Look,
    collector: &str,
) -> Result<Reading, Refusal> {
    let collector = find(collector).unwrap();
    let fitting = look.fit(collector).map_err(|unfit| Refusal::Unfit(unfit.kind))?;
    let preamble = Preamble::new("pgvitals/test")
        .read_only()
        .with_statement_timeout(fitting.variant.timeout);
    let reading = unit_of_work(client, &preamble, async |client| {
        run(client, collector, &fitting).await
    });
    let reading = reading.await.map_err(|error| Refusal::Failed(error.kind))?;
    check_keys(collector, &reading);
    Ok(reading)
}

async fn run(
    client: &Connection,
    collector: &'static Collector,
    fitting: &Fitting,
) -> Result<Reading, DbError> {
    let file = fitting.variant.file;
    let rows = client.query(&fitting.sql, &[]).await?;
    let names: Vec<&str> = collector.columns.iter().map(|column| column.name).collect();
    assert!(rows.columns.iter().eq(&names), "{file}: {:?}", rows.columns);
    check_types(client, collector, fitting).await?;
    let named = |row: &db::Row| Row(names.iter().copied().zip(row.values().to_vec()).collect());
    Ok(Reading {
        file,
        rows: rows.iter().map(named).collect(),
    })
}

/// To each kind of column its type, whether there are rows or not, and values or not.
async fn check_types(client: &Connection, collector: &Collector, fitting: &Fitting) -> Result<(), DbError> {
    let columns = collector.columns.iter();
    let asked: Vec<String> = columns
        .clone()
        .map(|column| format!("pg_typeof(q.\"{}\")::text", column.name))
        .collect();
    let sql = format!(
        "select {} from (select 1) as one left join ({}) as q on true limit 1",
        asked.join(", "),
        fitting.sql
    );
    let types = client.query(&sql, &[]).await?;
    for (index, column) in columns.enumerate() {
        let expected = match column.kind {
            ColumnKind::Key
            | ColumnKind::Label
            | ColumnKind::Text
            | ColumnKind::Statement
            | ColumnKind::Expression
            | ColumnKind::Setting => "text",
            ColumnKind::Epoch if column.name == "stats_reset" => "timestamp without time zone",
            ColumnKind::Counter | ColumnKind::Gauge | ColumnKind::Epoch => "bigint",
        };
        let found: String = types.one()?.at(index)?;
        assert_eq!(found, expected, "{} of {}", column.name, fitting.variant.file);
    }
    Ok(())
}

/// Rows are told apart by their keys, which are all known; a collector without keys has one row.
fn check_keys(collector: &Collector, reading: &Reading) {
    let keys = || collector.columns_of(&[ColumnKind::Key]);
    let distinct: BTreeSet<Vec<&str>> = reading
        .rows
        .iter()
        .map(|row| keys().map(|key| row.text(key).unwrap()).collect())
        .collect();
    assert_eq!(
        distinct.len(),
        reading.rows.len(),
        "{}: {:?}",
        reading.file,
        reading.rows
    );
}

impl Reading {
    /// The one row with these texts.
    #[track_caller]
    pub(crate) fn row(&self, texts: &[(&str, &str)]) -> &Row {
        match self.rows_with(texts)[..] {
            [row] => row,
            ref found => panic!(
                "{} rows of {} with {texts:?}: {:#?}",
                found.len(),
                self.file,
                self.rows
            ),
        }
    }

    /// All rows with these texts.
    pub(crate) fn rows_with(&self, texts: &[(&str, &str)]) -> Vec<&Row> {
        let fits = |row: &&Row| texts.iter().all(|(column, text)| row.text(column) == Some(*text));
        self.rows.iter().filter(fits).collect()
    }

    /// The row of a collector without keys.
    #[track_caller]
    pub(crate) fn one(&self) -> &Row {
        self.row(&[])
    }

    /// The sum of a column over the rows with these texts.
    pub(crate) fn sum(&self, column: &str, texts: &[(&str, &str)]) -> i64 {
        let rows = self.rows_with(texts);
        rows.iter().filter_map(|row| row.number(column)).sum()
    }
}

impl Row {
    /// A text.
    #[track_caller]
    pub(crate) fn text(&self, column: &str) -> Option<&str> {
        match &self.0[column] {
            Value::Text(text) => Some(text),
            Value::Null => None,
            other => panic!("{column} is no text: {other:?}"),
        }
    }

    /// A number; none where it is not known.
    #[track_caller]
    pub(crate) fn number(&self, column: &str) -> Option<i64> {
        match &self.0[column] {
            Value::Int(number) => Some(*number),
            Value::Null => None,
            other => panic!("{column} is no number: {other:?}"),
        }
    }
}
