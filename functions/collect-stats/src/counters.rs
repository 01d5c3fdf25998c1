//! From rows of counters to what happened since the last ones.

use std::time::Duration;

use db::{DbError, ErrorKind, Rows};
use store::collectors::Look;
use vitals::delta::{Deltas, SINCE_COLUMN, Snapshot, SnapshotError};

/// Makes a snapshot of a reading: rows by their key, the counters of `columns`, and since when each row counts.
pub(crate) fn snapshot(
    rows: &Rows,
    key: &str,
    columns: &[&str],
    look: &Look,
    reset: &str,
) -> Result<Snapshot, DbError> {
    let names = || [SINCE_COLUMN].into_iter().chain(columns.iter().copied());
    // Looked up once: a server may have thousands of statements.
    let position = |name: &str| {
        rows.columns
            .iter()
            .position(|column| column == name)
            .ok_or_else(|| DbError::decode(format!("the collector gave no column {name}")))
    };
    let key = position(key)?;
    let positions = names().map(position).collect::<Result<Vec<_>, _>>()?;
    let mut keys = Vec::with_capacity(rows.len());
    let mut counters = Vec::with_capacity(rows.len() * positions.len());
    for row in rows {
        // Of what the login may not see, the server shows neither key nor text. A right may go between two statements.
        let key: Option<String> = row.at(key)?;
        keys.push(key.ok_or_else(|| {
            DbError::new(
                ErrorKind::MissingPrivilege,
                "the server hides rows from the login",
            )
        })?);
        for &position in &positions {
            counters.push(row.at(position)?);
        }
    }
    build(look, reset, names().map(str::to_owned).collect(), keys, counters)
}

/// A snapshot of what was just read. The epoch is the start of the server and whatever else makes all its counters begin
/// again.
pub(crate) fn build(
    look: &Look,
    reset: &str,
    columns: Vec<String>,
    keys: Vec<String>,
    counters: Vec<i64>,
) -> Result<Snapshot, DbError> {
    let epoch = format!("{}/{reset}", look.started_at.timestamp_micros());
    Snapshot::new(look.at, epoch, columns, keys, counters).map_err(unusable)
}

/// The same snapshot with other numbers.
pub(crate) fn same_time(snapshot: &Snapshot, counters: Vec<i64>) -> Result<Snapshot, DbError> {
    let (columns, keys) = (snapshot.columns().to_vec(), snapshot.keys().to_vec());
    Snapshot::new(snapshot.taken_at(), snapshot.epoch(), columns, keys, counters).map_err(unusable)
}

fn unusable(error: SnapshotError) -> DbError {
    DbError::decode("the collector gave rows that cannot be compared").with_cause(error.to_string())
}

/// The length of an interval in milliseconds, as samples carry it; at least one, as there are no shorter ones.
pub(crate) fn milliseconds(interval: Duration) -> i64 {
    i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).max(1)
}

/// The rows of deltas with their values in the order of `columns`; none for a counter that one of the readings lacks.
pub(crate) fn in_order<const N: usize>(
    deltas: Deltas,
    columns: [&str; N],
) -> Vec<(String, [Option<i64>; N])> {
    let positions = columns.map(|column| deltas.column(column));
    let value =
        |values: &[i64], position: Option<usize>| position.and_then(|position| values.get(position).copied());
    deltas
        .rows
        .into_iter()
        .map(|row| (row.key, positions.map(|position| value(&row.values, position))))
        .collect()
}
