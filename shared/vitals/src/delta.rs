//! What happened between two readings of a set of counters.
//!
//! PostgreSQL counts for ever and forgets without notice: at a restart or a reset everything starts again, an evicted
//! statement returns with small numbers, a fail-over is another server with other numbers. [`between`] turns two
//! readings into what was counted in between, or says that it cannot know. It errs on one side only: what it returns
//! has happened, never twice; what it cannot be sure of it leaves out. A gap is a gap.
//!
//! One loss cannot be seen in the counters: a row that was evicted and returned between two readings, and by then had
//! counted more than before. What is returned for it is less than what happened, since its new life alone made all that
//! it shows now. [`between_executions`] also keeps the mean of such a row honest (see [`Distribution`]).
//!
//! Two collectors at once are kept apart by who stores the readings: a reading replaces the previous one only if that
//! is still the one the deltas were made from (compare-and-swap on a version), and the deltas are stored in the same
//! transaction.

mod distribution;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};

pub use distribution::Distribution;

use crate::name::names;
use distribution::Positions;

/// The column that tells when the counters of a row began, as microseconds since 1970 (0: not known).
///
/// It is no counter: it identifies a life of the row. `stats_since` of `pg_stat_statements` 1.11 (PostgreSQL 17). It is
/// only ever compared with itself: a clock may have been set since, so that of two times neither need be the later.
pub const SINCE_COLUMN: &str = "since_us";

/// One reading of a set of counters: a row per key, a column per counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    taken_at: DateTime<Utc>,
    epoch: String,
    columns: Vec<String>,
    keys: Vec<String>,
    counters: Vec<i64>,
}

/// A reading that is not what it claims to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// There are not as many counters as there are cells.
    #[error("cannot use snapshot: {keys} rows of {columns} columns make no {counters} counters")]
    Shape {
        /// The number of rows.
        keys: usize,
        /// The number of columns.
        columns: usize,
        /// The number of counters.
        counters: usize,
    },
    /// A column stands there twice.
    #[error("cannot use snapshot: column {column} appears twice")]
    DuplicateColumn {
        /// The column.
        column: String,
    },
    /// A row stands there twice.
    #[error("cannot use snapshot: row {key} appears twice")]
    DuplicateKey {
        /// The key of the row.
        key: String,
    },
}

impl Snapshot {
    /// A reading, taken at `taken_at` or soon after, by the clock of the server that was read.
    ///
    /// `epoch` names everything that makes all counters start again: the server's start time, the time of the last
    /// reset of the statistics, the identity of the server. `counters` holds the rows one after another.
    ///
    /// # Errors
    ///
    /// If the sizes do not match, or a column or a row is there twice.
    pub fn new(
        taken_at: DateTime<Utc>,
        epoch: impl Into<String>,
        columns: Vec<String>,
        keys: Vec<String>,
        counters: Vec<i64>,
    ) -> Result<Self, SnapshotError> {
        if keys.len().checked_mul(columns.len()) != Some(counters.len()) {
            let (keys, columns, counters) = (keys.len(), columns.len(), counters.len());
            return Err(SnapshotError::Shape {
                keys,
                columns,
                counters,
            });
        }
        if let Some(column) = first_duplicate(&columns) {
            return Err(SnapshotError::DuplicateColumn {
                column: column.to_owned(),
            });
        }
        if let Some(key) = first_duplicate(&keys) {
            return Err(SnapshotError::DuplicateKey { key: key.to_owned() });
        }
        Ok(Self {
            taken_at,
            epoch: epoch.into(),
            columns,
            keys,
            counters,
        })
    }

    /// When it was taken, by the clock of the server that was read.
    pub const fn taken_at(&self) -> DateTime<Utc> {
        self.taken_at
    }

    /// What makes all counters start again when it changes.
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// The names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The keys of the rows.
    pub fn keys(&self) -> &[String] {
        &self.keys
    }

    /// The counters, row after row.
    pub fn counters(&self) -> &[i64] {
        &self.counters
    }

    /// One counter of every row, with the key of the row; nothing if there is no such column.
    pub fn counters_of<'a>(&'a self, column: &str) -> impl Iterator<Item = (&'a str, i64)> {
        let column = self.column(column);
        self.keys
            .iter()
            .enumerate()
            .filter_map(move |(index, key)| Some((key.as_str(), self.row(index).get(column?).copied()?)))
    }

    fn row(&self, index: usize) -> &[i64] {
        let width = self.columns.len();
        self.counters
            .get(index * width..(index + 1) * width)
            .unwrap_or_default()
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }
}

fn first_duplicate(names: &[String]) -> Option<&str> {
    let mut seen = HashSet::with_capacity(names.len());
    names.iter().map(String::as_str).find(|name| !seen.insert(*name))
}

/// What to make of a row that was not there in the previous reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewRows {
    /// All of it happened in between. Right where every reading is complete and a row that disappears loses its
    /// counters, as in `pg_stat_statements(false)` read whole: what was not there before has begun to count since, be
    /// it for the first time or after an eviction. [`SINCE_COLUMN`] is not asked: a statement has its place from
    /// before its first execution and is shown only after it, which may be hours.
    Count,
    /// It cannot be told. Right where rows may be missing from a reading for other reasons: a limit, a filter, a
    /// privilege that may come and go.
    Skip,
}

names! {
    /// Why nothing can be said about the time before a reading.
    "gap" pub enum Gap {
        /// There was no reading before.
        First = "first_reading",
        /// The counters started again: a restart, a reset, another server.
        Epoch = "counters_started_again",
        /// The clock stands still or runs backwards.
        Clock = "clock_went_back",
        /// The two readings have no counter in common.
        Columns = "no_common_columns",
    }
}

/// The time that deltas are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// They happened within this time.
    Measured(Duration),
    /// There are none, for this reason.
    Gap(Gap),
}

/// What happened to one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeltaRow {
    /// The key of the row.
    pub key: String,
    /// What was counted, by [`Deltas::columns`]. None is negative, one at least is not zero.
    pub values: Vec<i64>,
}

/// What happened between two readings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deltas {
    /// The time in which it happened.
    pub interval: Interval,
    /// The counters that both readings have, in the order of the later one, without [`SINCE_COLUMN`] and what a
    /// [`Distribution`] names as extremes.
    pub columns: Vec<String>,
    /// The rows to which something happened.
    pub rows: Vec<DeltaRow>,
    /// The rows about which nothing is said because their counters went back.
    pub resets: usize,
    /// The rows about which nothing is said because they are new and it is not known what they did before.
    pub unknown: usize,
    /// The keys of all rows about which nothing is said. Of a row that is neither here nor in `rows`, nothing was counted.
    pub untold: Vec<String>,
}

impl Deltas {
    fn gap(gap: Gap) -> Self {
        Self {
            interval: Interval::Gap(gap),
            columns: Vec::new(),
            rows: Vec::new(),
            resets: 0,
            unknown: 0,
            untold: Vec::new(),
        }
    }

    /// Where a counter stands in the values of each row, if both readings have it.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// The time that was measured, or `None` for a gap.
    pub const fn measured(&self) -> Option<Duration> {
        match self.interval {
            Interval::Measured(duration) => Some(duration),
            Interval::Gap(_) => None,
        }
    }
}

/// What happened between two readings.
///
/// - Another epoch, a clock that did not advance, or no previous reading is a gap.
/// - Columns are matched by name; one that only one of the readings has is left out.
/// - A row of which any counter is lower than before was reset. If its [`SINCE_COLUMN`] differs from before, its values
///   are its delta; if not, nothing is said about it, and it is counted in `resets`.
/// - A new row counts whole or not at all, as `new_rows` says.
pub fn between(previous: Option<&Snapshot>, current: &Snapshot, new_rows: NewRows) -> Deltas {
    compare(previous, current, new_rows, None)
}

/// As [`between`], for rows that count executions and tell their shortest and longest.
///
/// A row whose [`SINCE_COLUMN`] differs from before began anew, whatever its counters say. One that contradicts its own [`Distribution`] began anew in between, and is left out as any reset row is.
pub fn between_executions(
    previous: Option<&Snapshot>,
    current: &Snapshot,
    new_rows: NewRows,
    executions: &Distribution<'_>,
) -> Deltas {
    compare(previous, current, new_rows, Some(executions))
}

fn compare(
    previous: Option<&Snapshot>,
    current: &Snapshot,
    new_rows: NewRows,
    executions: Option<&Distribution<'_>>,
) -> Deltas {
    let Some(previous) = previous else {
        return Deltas::gap(Gap::First);
    };
    if previous.epoch != current.epoch {
        return Deltas::gap(Gap::Epoch);
    }
    let Some(elapsed) = (current.taken_at - previous.taken_at)
        .to_std()
        .ok()
        .filter(|elapsed| !elapsed.is_zero())
    else {
        return Deltas::gap(Gap::Clock);
    };
    let comparison = Comparison::of(previous, current, executions);
    if comparison.pairs.is_empty() {
        return Deltas::gap(Gap::Columns);
    }

    let mut deltas = Deltas {
        interval: Interval::Measured(elapsed),
        columns: comparison
            .pairs
            .iter()
            .filter_map(|pair| current.columns.get(pair.now).cloned())
            .collect(),
        rows: Vec::new(),
        resets: 0,
        unknown: 0,
        untold: Vec::new(),
    };
    let known: HashMap<&str, usize> = previous.keys.iter().map(String::as_str).zip(0..).collect();
    for (index, key) in current.keys.iter().enumerate() {
        let now = current.row(index);
        let values = match known.get(key.as_str()).map(|index| previous.row(*index)) {
            Some(before) => comparison.between(before, now),
            None if new_rows == NewRows::Count => comparison.whole(now),
            None => {
                deltas.unknown += 1;
                deltas.untold.push(key.clone());
                continue;
            }
        };
        match values {
            None => {
                deltas.resets += 1;
                deltas.untold.push(key.clone());
            }
            Some(values) if values.iter().any(|value| *value != 0) => {
                deltas.rows.push(DeltaRow {
                    key: key.clone(),
                    values,
                });
            }
            Some(_) => {}
        }
    }
    deltas
}

/// Where a counter stands in the previous and in the current reading.
#[derive(Clone, Copy, Debug)]
struct Pair {
    before: usize,
    now: usize,
    /// Whether it is reckoned from other numbers, and may fall a little where it should stand still.
    is_reckoned: bool,
}

/// How the rows of two readings are compared.
#[derive(Debug)]
struct Comparison {
    pairs: Vec<Pair>,
    /// Where [`SINCE_COLUMN`] stands, if both have it.
    since: Option<(usize, usize)>,
    /// Whether another beginning is another life of the row, and nothing else.
    beginnings_are_of_rows: bool,
    distribution: Option<(Positions, Positions)>,
}

impl Comparison {
    fn of(previous: &Snapshot, current: &Snapshot, executions: Option<&Distribution<'_>>) -> Self {
        let is_extreme =
            |name: &str| executions.is_some_and(|names| names.shortest == name || names.longest == name);
        let counters = current
            .columns
            .iter()
            .enumerate()
            .filter(|(_, name)| *name != SINCE_COLUMN && !is_extreme(name));
        let pair = |(now, name): (usize, &String)| {
            Some(Pair {
                before: previous.column(name)?,
                now,
                is_reckoned: executions.is_some_and(|names| names.squares == name),
            })
        };
        Self {
            pairs: counters.filter_map(pair).collect(),
            since: previous.column(SINCE_COLUMN).zip(current.column(SINCE_COLUMN)),
            beginnings_are_of_rows: executions.is_some(),
            distribution: executions.and_then(|names| {
                let positions = |snapshot| Positions::of(names, snapshot);
                positions(previous).zip(positions(current))
            }),
        }
    }

    /// What happened to a row that was there before, or `None` if it was reset in between.
    fn between(&self, before: &[i64], now: &[i64]) -> Option<Vec<i64>> {
        let since = self.since.and_then(|(then, column)| {
            let (before, now) = (before.get(then)?, now.get(column)?);
            (*before > 0 && *now > 0).then_some((before, now))
        });
        match since {
            Some((then, since)) if then == since => self.difference(before, now),
            Some(_) if self.beginnings_are_of_rows => self.whole(now),
            // Only a counter that fell proves that the row began anew: a reset of one table stamps its whole database.
            Some(_) => self.difference(before, now).or_else(|| self.whole(now)),
            None => self
                .difference(before, now)
                .filter(|_| self.may_be_one_life(before, now)),
        }
    }

    fn may_be_one_life(&self, before: &[i64], now: &[i64]) -> bool {
        self.distribution.as_ref().is_none_or(|(then, positions)| {
            match (then.read(before), positions.read(now)) {
                (Some(before), Some(now)) => now.may_continue(&before),
                _ => false,
            }
        })
    }

    /// The counters of a row as they are, or `None` if one is negative, which no counter is.
    fn whole(&self, now: &[i64]) -> Option<Vec<i64>> {
        self.pairs
            .iter()
            .map(|pair| now.get(pair.now).copied().filter(|value| *value >= 0))
            .collect()
    }

    /// What the counters of a row grew by, or `None` if any went back.
    fn difference(&self, before: &[i64], now: &[i64]) -> Option<Vec<i64>> {
        self.pairs
            .iter()
            .map(|pair| {
                let before = before.get(pair.before).copied().filter(|value| *value >= 0)?;
                let delta = now.get(pair.now)?.checked_sub(before)?;
                if pair.is_reckoned && distribution::is_noise(before, delta) {
                    return Some(0);
                }
                Some(delta).filter(|delta| *delta >= 0)
            })
            .collect()
    }
}

#[cfg(test)]
mod histories;
#[cfg(test)]
mod tests;
