//! What a target is read through: the connection to a server, or the console of a PgBouncer.

use std::borrow::Cow;

use chrono::DateTime;
use db::{Client, Console, DbError, ErrorKind, Rows, Series, Value};
use function::with_deadline;
use futures::lock::Mutex;
use store::collectors::{Collector, ColumnKind, Fitting, Look, TargetKind, find};
use store::samples::LastReading;

use crate::reading::Budget;

/// The database that stands for the console in what a PgBouncer shows, and counts what is asked there.
const CONSOLE: &str = "pgbouncer";

/// What a target is read through.
#[derive(Debug)]
pub(crate) enum Source<'client, C> {
    /// A transaction on a server.
    Postgres(Series<'client, C>),
    /// A connection to the console of a PgBouncer.
    PgBouncer(Mutex<Console>),
}

impl<C: Client> Source<'_, C> {
    /// Sends a collector's statement and reads its rows, within what the collector and the target may take.
    pub(crate) async fn read(
        &self,
        budget: &Budget,
        fitting: &Fitting,
        parameters: &[Value],
    ) -> Result<Rows, DbError> {
        let variant = fitting.variant;
        match self {
            Source::Postgres(series) => {
                budget
                    .read(series, variant.file, variant.timeout, &fitting.sql, parameters)
                    .await
            }
            Source::PgBouncer(console) => {
                let rows = budget.spend(variant.file, show(console, fitting)).await?;
                match find(variant.file) {
                    Some(collector) => arranged(collector, &rows),
                    None => Ok(rows),
                }
            }
        }
    }

    /// Ends the transaction on the target, if one is open. Whatever it says to that, what it gave was whole.
    pub(crate) async fn end(&self, budget: &Budget) {
        if let Source::Postgres(series) = self {
            let ended = budget.spend("ending the transaction", series.end());
            let _: Result<(), DbError> = ended.await;
        }
    }
}

/// Sends a command to a console. One that is slow once is taken for one that hangs: nothing would end its answer before
/// the next.
async fn show(console: &Mutex<Console>, fitting: &Fitting) -> Result<Rows, DbError> {
    let mut console = console.lock().await;
    let shown = console.show(&fitting.sql);
    with_deadline(fitting.variant.file, fitting.variant.timeout, shown)
        .await
        .unwrap_or_else(|exceeded| {
            let message = "the console of the PgBouncer did not answer in time";
            Err(DbError::new(ErrorKind::ConnectionLost, message).with_cause(exceeded.to_string()))
        })
}

/// The rows as the header of the collector has them. Releases of PgBouncer show different columns in different places: they
/// are found by name, and those that are missing are null.
fn arranged(collector: &Collector, rows: &Rows) -> Result<Rows, DbError> {
    let mut places = Vec::with_capacity(collector.columns.len());
    for column in collector.columns {
        let place = rows.columns.iter().position(|name| name == column.name);
        if place.is_none() && column.kind == ColumnKind::Key {
            return Err(DbError::decode(format!(
                "this PgBouncer shows no column {} for the collector {}",
                column.name, collector.name
            )));
        }
        places.push(place);
    }
    let arrange = |values: &[Value]| {
        let value = |place: &Option<usize>| place.and_then(|place| values.get(place).cloned());
        places
            .iter()
            .map(|place| value(place).unwrap_or(Value::Null))
            .collect()
    };
    Ok(Rows::new(
        collector
            .columns
            .iter()
            .map(|column| column.name.to_owned())
            .collect(),
        rows.iter().map(|row| arrange(row.values())).collect(),
    ))
}

/// The look at a target with the life that its counters belong to.
///
/// A PgBouncer does not tell when it was started. But it counts what is asked of its console, which is asked at least
/// once between two readings: where that number did not grow, it has been started since, and all its counters with it.
pub(crate) fn life_of<'look>(
    look: &'look Look,
    collector: &Collector,
    rows: &Rows,
    last: Option<&LastReading>,
) -> Cow<'look, Look> {
    const ASKED: &str = "total_query_count";
    let counts = |column: &store::collectors::Column| column.name == ASKED;
    if collector.target != TargetKind::PgBouncer || !collector.columns.iter().any(counts) {
        return Cow::Borrowed(look);
    }
    let is_console = |row: &&db::Row| row.get::<String>("database").is_ok_and(|name| name == CONSOLE);
    let asked = rows
        .iter()
        .find(is_console)
        .and_then(|row| row.get::<i64>(ASKED).ok());
    let known = last.and_then(|last| {
        let snapshot = &last.stored.snapshot;
        let (_, asked) = snapshot.counters_of(ASKED).find(|(key, _)| *key == CONSOLE)?;
        let started_at = snapshot.epoch().split('/').next()?.parse().ok()?;
        Some((asked, DateTime::from_timestamp_micros(started_at)?))
    });
    let started_at = match (known, asked) {
        (Some((before, started_at)), Some(asked)) if asked > before => started_at,
        _ => look.at,
    };
    let mut look = look.clone();
    look.started_at = started_at;
    Cow::Owned(look)
}
