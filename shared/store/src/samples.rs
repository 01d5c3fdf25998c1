//! The samples of collectors that have no tables of their own.
//!
//! A reading replaces the last one, and what is new in it is written, in one statement, and only if the last one is still
//! that which the deltas were made from. Of two collectors that started from the same one, the first is written and the
//! other is [`Write::Lost`]: no interval is counted twice.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use db::{Client, DbError, Row, Value};
use serde_json::{Map, Value as Json};
use vitals::delta::Snapshot;

use crate::snapshots::{Stored, Write, read_stored};

/// What stands for a gauge that is not known, in the last reading: an array without nulls is read a thousand times faster.
pub const UNKNOWN: i64 = i64::MIN;
/// The same as SQL writes it.
pub(crate) const UNKNOWN_IN_SQL: &str = "(-9223372036854775808)::int8";

/// A collector that is to be read now.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The collector.
    pub collector: String,
    /// The names of the stored values, by their positions.
    pub stored_columns: Vec<String>,
    /// The target that reads it for the server, if this one does not.
    pub read_by: Option<String>,
    /// The last reading, if there is one to compare with.
    pub last: Option<LastReading>,
}

/// A whole reading, as it is kept to compare the next one with.
#[derive(Debug, Clone, PartialEq)]
pub struct LastReading {
    /// The counters, and the version that must be unchanged for the next reading to be written.
    pub stored: Stored,
    /// The names of the gauges.
    pub gauge_columns: Vec<String>,
    /// The gauges, row by row in the order of the counters' keys; [`UNKNOWN`] where one is not known.
    pub gauges: Vec<i64>,
    /// A fingerprint of the names and texts of each row.
    pub fingerprints: Vec<i64>,
}

/// A subject whose names or texts are new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its key.
    pub key: String,
    /// Its names, as a JSON object.
    pub labels: String,
    /// Its texts, as a JSON object.
    pub texts: String,
}

/// The numbers of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The key of the subject.
    pub key: String,
    /// By the positions of [`Planned::stored_columns`].
    pub values: Vec<Option<i64>>,
}

/// What is written of a reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading<'a> {
    /// The target.
    pub target_id: i32,
    /// The collector.
    pub collector: &'a str,
    /// The version of the reading that this one was compared with; none where there was none.
    pub expected: Option<i64>,
    /// The counters.
    pub snapshot: &'a Snapshot,
    /// The names of the gauges.
    pub gauge_columns: Vec<String>,
    /// The gauges, as in [`LastReading::gauges`].
    pub gauges: Vec<i64>,
    /// A fingerprint of the names and texts of each row.
    pub fingerprints: Vec<i64>,
    /// The time that the counters were counted for; none for a gap.
    pub interval_ms: Option<i64>,
    /// The subjects whose names or texts are new.
    pub described: Vec<Described>,
    /// The keys that the last reading had and this one has not.
    pub gone: Vec<String>,
    /// The samples.
    pub samples: Vec<Sample>,
}

/// A last reading with the names of what it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Current {
    /// The number of the target.
    pub target_id: i32,
    /// Its name.
    pub target: String,
    /// How long ago it was read.
    pub age_seconds: f64,
    /// The numbers.
    pub reading: LastReading,
    /// The names and texts of the subjects, by their keys.
    pub names: HashMap<String, Map<String, Json>>,
}

impl Current {
    /// The raw counters and gauges of one column with the key of each subject, where they are known.
    pub fn numbers<'a>(&'a self, column: &str) -> Box<dyn Iterator<Item = (&'a str, i64)> + 'a> {
        let snapshot = &self.reading.stored.snapshot;
        let Some(position) = self.reading.gauge_columns.iter().position(|name| name == column) else {
            return Box::new(snapshot.counters_of(column).collect::<Vec<_>>().into_iter());
        };
        let width = self.reading.gauge_columns.len();
        let values = self.reading.gauges.iter().skip(position).step_by(width);
        let numbers = snapshot.keys().iter().map(String::as_str).zip(values.copied());
        Box::new(numbers.filter(|(_, value)| *value != UNKNOWN))
    }
}

/// What is to be read of a target now. `started_at` is when its server was started.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn plan(
    client: &impl Client,
    target_id: i32,
    only_due: bool,
    started_at: DateTime<Utc>,
) -> Result<Vec<Planned>, DbError> {
    let parameters = [target_id.into(), only_due.into(), started_at.into()];
    let rows = client
        .query(include_str!("../sql/samples/plan.sql"), &parameters)
        .await?;
    rows.iter().map(read_planned).collect()
}

/// Writes a reading.
///
/// # Errors
///
/// What the server or the connection said, or that the schema does not know the collector.
pub async fn write(client: &impl Client, reading: &Reading<'_>) -> Result<Write, DbError> {
    let rows = client
        .query(include_str!("../sql/samples/write.sql"), &parameters(reading))
        .await?;
    let row = rows.one()?;
    if !row.get::<bool>("registered")? {
        return Err(DbError::decode(format!(
            "the schema monitoring does not know the collector {}",
            reading.collector
        ))
        .with_hint("run pgvitals migrate"));
    }
    Ok(if row.get("swapped")? {
        Write::Swapped {
            samples: row.get("written")?,
        }
    } else {
        Write::Lost
    })
}

/// The last readings of a collector on the enabled targets that answer, unless they are older than `most_age_seconds` and
/// five intervals of the collector.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn current(
    client: &impl Client,
    collector: &str,
    most_age_seconds: i64,
) -> Result<Vec<Current>, DbError> {
    let rows = client
        .query(
            include_str!("../sql/samples/current.sql"),
            &[collector.into(), most_age_seconds.into()],
        )
        .await?;
    rows.iter().map(read_current).collect()
}

fn parameters(reading: &Reading<'_>) -> Vec<Value> {
    let snapshot = reading.snapshot;
    let described = |part: fn(&Described) -> &String| {
        let parts = reading.described.iter().map(part);
        parts.cloned().collect::<Vec<_>>()
    };
    let samples = &reading.samples;
    vec![
        reading.target_id.into(),
        reading.collector.into(),
        reading.expected.unwrap_or(0).into(),
        snapshot.taken_at().into(),
        snapshot.epoch().into(),
        snapshot.columns().to_vec().into(),
        snapshot.keys().to_vec().into(),
        snapshot.counters().to_vec().into(),
        reading.interval_ms.into(),
        reading.gauge_columns.clone().into(),
        reading.gauges.clone().into(),
        reading.fingerprints.clone().into(),
        described(|one| &one.key).into(),
        described(|one| &one.labels).into(),
        described(|one| &one.texts).into(),
        reading.gone.clone().into(),
        samples
            .iter()
            .map(|sample| sample.key.clone())
            .collect::<Vec<_>>()
            .into(),
        samples
            .iter()
            .map(|sample| literal(&sample.values))
            .collect::<Vec<_>>()
            .into(),
    ]
}

/// Values as PostgreSQL writes an array. Rows of arrays cannot be a parameter, as arrays of arrays have one length.
fn literal(values: &[Option<i64>]) -> String {
    let words: Vec<String> = values
        .iter()
        .map(|value| value.map_or_else(|| "null".to_owned(), |value| value.to_string()))
        .collect();
    format!("{{{}}}", words.join(","))
}

fn read_planned(row: &Row) -> Result<Planned, DbError> {
    let version: Option<i64> = row.get("version")?;
    Ok(Planned {
        collector: row.get("collector")?,
        stored_columns: row.get("stored_columns")?,
        read_by: row.get("read_by")?,
        last: version.map(|_| read_last(row)).transpose()?,
    })
}

fn read_last(row: &Row) -> Result<LastReading, DbError> {
    Ok(LastReading {
        stored: read_stored(row)?,
        gauge_columns: row.get("gauge_columns")?,
        gauges: row.get("gauges")?,
        fingerprints: row.get("fingerprints")?,
    })
}

fn read_current(row: &Row) -> Result<Current, DbError> {
    let keys: Vec<String> = row.get("subject_keys")?;
    let names: Vec<Map<String, Json>> = crate::json::decode("subject_names", row.get("subject_names")?)?;
    Ok(Current {
        target_id: row.get("target_id")?,
        target: row.get("target")?,
        age_seconds: row.get("age_seconds")?,
        reading: read_last(row)?,
        names: keys.into_iter().zip(names).collect(),
    })
}
