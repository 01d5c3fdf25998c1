//! The last raw counters of each collector on each target, and the samples made of their deltas.
//!
//! A snapshot is replaced, and its deltas are written, in one statement, and only if the snapshot is still the one that
//! the deltas were computed from. Of two collectors that started from the same one, the first is written and the
//! other is [`Write::Lost`], whatever they do: no interval is counted twice. So is one whose snapshot is not there any
//! more, after a crash of the monitoring database: another may have counted the interval before.

use db::{Client, DbError, Row, Value};
use vitals::delta::Snapshot;

/// A snapshot with its version.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// What has to be unchanged for the next one to be written.
    pub version: i64,
    /// The counters.
    pub snapshot: Snapshot,
}

/// Whether a snapshot was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// It was, and with it so many samples.
    Swapped {
        /// How many.
        samples: i64,
    },
    /// Another collector was faster. Nothing was written, and nothing is missing.
    Lost,
}

/// Which snapshot is written, over which.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Swap<'a> {
    /// The target.
    pub target_id: i32,
    /// The collector.
    pub collector: &'a str,
    /// The version that the deltas were computed from; none where there was none.
    pub expected: Option<i64>,
    /// The new counters.
    pub snapshot: &'a Snapshot,
    /// The time between the two; any positive number where there are no samples.
    pub interval_ms: i64,
}

impl Swap<'_> {
    fn parameters(&self) -> Vec<Value> {
        vec![
            self.target_id.into(),
            self.collector.into(),
            self.expected.unwrap_or(0).into(),
            self.snapshot.taken_at().into(),
            self.snapshot.epoch().into(),
            self.snapshot.columns().to_vec().into(),
            self.snapshot.keys().to_vec().into(),
            self.snapshot.counters().to_vec().into(),
            self.interval_ms.max(1).into(),
        ]
    }
}

/// What a statement did in an interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementSample {
    /// Which statement. It must be known (see [`statements::upsert`](crate::statements::upsert)).
    pub statement_key: String,
    /// The deltas, in the order of [`StatementSample::COLUMNS`]; none for what the server did not measure.
    pub deltas: [Option<i64>; 27],
}

impl StatementSample {
    /// The counters, by the names of the collector's columns.
    pub const COLUMNS: [&'static str; 27] = [
        "calls",
        "plans",
        "plan_us",
        "exec_us",
        "exec_squares",
        "rows",
        "shared_hit",
        "shared_read",
        "shared_dirtied",
        "shared_written",
        "local_hit",
        "local_read",
        "local_dirtied",
        "local_written",
        "temp_read",
        "temp_written",
        "read_us",
        "write_us",
        "local_read_us",
        "local_write_us",
        "temp_read_us",
        "temp_write_us",
        "wal_records",
        "wal_full_page_images",
        "wal_bytes",
        "jit_functions",
        "jit_us",
    ];
}

/// What a database did in an interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseSample {
    /// Its name.
    pub database: String,
    /// Its size, where it was measured.
    pub size_bytes: Option<i64>,
    /// Its connections at the end of the interval.
    pub backends: i64,
    /// The deltas, in the order of [`DatabaseSample::COLUMNS`].
    pub deltas: [i64; 15],
}

impl DatabaseSample {
    /// The counters, by the names of the collector's columns.
    pub const COLUMNS: [&'static str; 15] = [
        "commits",
        "rollbacks",
        "blocks_read",
        "blocks_hit",
        "rows_returned",
        "rows_fetched",
        "rows_inserted",
        "rows_updated",
        "rows_deleted",
        "conflicts",
        "temp_files",
        "temp_bytes",
        "deadlocks",
        "read_us",
        "write_us",
    ];
}

/// The client connections of a target at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivitySample {
    /// All of them.
    pub connections: i64,
    /// How many the server takes.
    pub max_connections: i64,
    /// How many of these are kept for superusers and the like.
    pub reserved_connections: i64,
    /// Connections that are running a statement.
    pub active: i64,
    /// Connections that are doing nothing.
    pub idle: i64,
    /// Connections that hold a transaction open and do nothing.
    pub idle_in_transaction: i64,
    /// The same, of transactions that have failed.
    pub idle_in_transaction_aborted: i64,
    /// Connections that wait for a lock.
    pub waiting_on_lock: i64,
    /// The age of the oldest transaction.
    pub longest_transaction_ms: i64,
    /// The age of the oldest running statement.
    pub longest_statement_ms: i64,
    /// For how long a transaction has been held open without anything being done.
    pub oldest_idle_in_transaction_ms: i64,
}

impl ActivitySample {
    /// Reads the row that the collector `activity` gives.
    ///
    /// # Errors
    ///
    /// A column that is missing or of another type.
    pub fn read(row: &Row) -> Result<ActivitySample, DbError> {
        Ok(ActivitySample {
            connections: row.get("connections")?,
            max_connections: row.get("max_connections")?,
            reserved_connections: row.get("reserved_connections")?,
            active: row.get("active")?,
            idle: row.get("idle")?,
            idle_in_transaction: row.get("idle_in_transaction")?,
            idle_in_transaction_aborted: row.get("idle_in_transaction_aborted")?,
            waiting_on_lock: row.get("waiting_on_lock")?,
            longest_transaction_ms: row.get("longest_transaction_ms")?,
            longest_statement_ms: row.get("longest_statement_ms")?,
            oldest_idle_in_transaction_ms: row.get("oldest_idle_in_transaction_ms")?,
        })
    }
}

/// The last counters of a collector on a target; none before the first run and after a crash of the server.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn load(client: &impl Client, target_id: i32, collector: &str) -> Result<Option<Stored>, DbError> {
    let parameters = [target_id.into(), collector.into()];
    let rows = client
        .query(include_str!("../sql/snapshots/load.sql"), &parameters)
        .await?;
    rows.first().map(read_stored).transpose()
}

/// Replaces the counters of the collector of statements and writes what the statements did.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn write_statements(
    client: &impl Client,
    swap: &Swap<'_>,
    samples: &[StatementSample],
) -> Result<Write, DbError> {
    let mut parameters = swap.parameters();
    parameters.push(column(samples, |sample| sample.statement_key.clone()));
    for position in 0..StatementSample::COLUMNS.len() {
        parameters.push(column(samples, |sample| sample.deltas[position]));
    }
    write(
        client,
        include_str!("../sql/snapshots/write_statements.sql"),
        &parameters,
    )
    .await
}

/// Replaces the counters of the collector of databases and writes what the databases did. `backends` are the connections
/// of each database of the snapshot.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn write_databases(
    client: &impl Client,
    swap: &Swap<'_>,
    backends: &[i64],
    samples: &[DatabaseSample],
) -> Result<Write, DbError> {
    let mut parameters = swap.parameters();
    parameters.push(column(samples, |sample| sample.database.clone()));
    parameters.push(column(samples, |sample| sample.size_bytes));
    parameters.push(column(samples, |sample| sample.backends));
    for position in 0..DatabaseSample::COLUMNS.len() {
        parameters.push(column(samples, |sample| sample.deltas[position]));
    }
    parameters.push(backends.to_vec().into());
    write(
        client,
        include_str!("../sql/snapshots/write_databases.sql"),
        &parameters,
    )
    .await
}

/// Writes the connections of a target.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn write_activity(
    client: &impl Client,
    target_id: i32,
    sample: &ActivitySample,
) -> Result<(), DbError> {
    let parameters = [
        target_id.into(),
        sample.connections.into(),
        sample.max_connections.into(),
        sample.reserved_connections.into(),
        sample.active.into(),
        sample.idle.into(),
        sample.idle_in_transaction.into(),
        sample.idle_in_transaction_aborted.into(),
        sample.waiting_on_lock.into(),
        sample.longest_transaction_ms.into(),
        sample.longest_statement_ms.into(),
        sample.oldest_idle_in_transaction_ms.into(),
    ];
    client
        .execute(include_str!("../sql/snapshots/write_activity.sql"), &parameters)
        .await?;
    Ok(())
}

/// One value of each sample, as an array.
fn column<S, V>(samples: &[S], value: impl Fn(&S) -> V) -> Value
where
    Vec<V>: Into<Value>,
{
    samples.iter().map(value).collect::<Vec<V>>().into()
}

async fn write(client: &impl Client, sql: &str, parameters: &[Value]) -> Result<Write, DbError> {
    let rows = client.query(sql, parameters).await?;
    let row = rows.one()?;
    Ok(if row.get("swapped")? {
        Write::Swapped {
            samples: row.get("written")?,
        }
    } else {
        Write::Lost
    })
}

pub(crate) fn read_stored(row: &Row) -> Result<Stored, DbError> {
    let snapshot = Snapshot::new(
        row.get("taken_at")?,
        row.get::<String>("epoch")?,
        row.get("columns")?,
        row.get("keys")?,
        row.get("counters")?,
    );
    let snapshot = snapshot.map_err(|error| {
        DbError::decode("the stored counters cannot be used").with_cause(error.to_string())
    })?;
    Ok(Stored {
        version: row.get("version")?,
        snapshot,
    })
}
