//! Load tests: what each run was and what came of it.

use chrono::{DateTime, Utc};
use db::{Client, DbError};
use serde_json::Value as Json;

/// A run that is to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// What it is compared by.
    pub alike: Alike,
    /// For how long, in seconds, without the warm-up.
    pub duration_seconds: i64,
    /// The version of the server, as `server_version_num`.
    pub server_version: i64,
    /// How many requests were done.
    pub transactions: i64,
    /// How many failed, and sessions that broke off.
    pub failed: i64,
    /// Whether it went well.
    pub passed: bool,
    /// Each kind of request.
    pub requests: Vec<NewRequest>,
    /// All that was said of it.
    pub report: Json,
}

/// What two runs must have in common to be compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Alike {
    /// What users did.
    pub scenario: String,
    /// How much data there was: 1 is 1,000 patients.
    pub scale: f64,
    /// How many sessions the users shared.
    pub users: i64,
    /// Requests that were to be sent, a second.
    pub asked_rate: f64,
}

/// What came of one kind of request. Times are in microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRequest {
    /// What was asked for.
    pub request: String,
    /// Which promise it falls under.
    pub threshold_class: String,
    /// How long it may take at most.
    pub threshold_us: i64,
    /// How many were done.
    pub transactions: i64,
    /// How many failed.
    pub failed: i64,
    /// Half of them were as fast.
    pub p50_us: i64,
    /// Of a hundred 95 were as fast.
    pub p95_us: i64,
    /// Of a hundred 99 were as fast.
    pub p99_us: i64,
    /// The slowest.
    pub maximum_us: i64,
    /// How bad that is: `warning`, `critical`, `emergency`, or none.
    pub level: Option<String>,
}

/// A run that was stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRun {
    /// Its number.
    pub load_run_id: i64,
    /// When it was stored, by the clock of the monitoring database.
    pub recorded_at: DateTime<Utc>,
    /// The version of its server.
    pub server_version: i64,
    /// Each kind of request.
    pub requests: Vec<StoredRequest>,
}

/// What came of one kind of request in a stored run.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRequest {
    /// What was asked for.
    pub request: String,
    /// How many were done.
    pub transactions: i64,
    /// Half of them were as fast, in milliseconds.
    pub p50_ms: f64,
    /// Of a hundred 95 were as fast.
    pub p95_ms: f64,
    /// Of a hundred 99 were as fast.
    pub p99_ms: f64,
}

/// Stores a run, and removes those that are two years old. Gives its number.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn record(client: &impl Client, run: &NewRun) -> Result<i64, DbError> {
    let texts = |text: fn(&NewRequest) -> String| run.requests.iter().map(text).collect::<Vec<_>>();
    let numbers = |number: fn(&NewRequest) -> i64| run.requests.iter().map(number).collect::<Vec<_>>();
    let parameters = [
        run.alike.scenario.as_str().into(),
        run.alike.scale.into(),
        run.alike.users.into(),
        run.alike.asked_rate.into(),
        run.duration_seconds.into(),
        run.server_version.into(),
        run.transactions.into(),
        run.failed.into(),
        run.passed.into(),
        run.report.clone().into(),
        texts(|part| part.request.clone()).into(),
        texts(|part| part.threshold_class.clone()).into(),
        numbers(|part| part.threshold_us).into(),
        numbers(|part| part.transactions).into(),
        numbers(|part| part.failed).into(),
        numbers(|part| part.p50_us).into(),
        numbers(|part| part.p95_us).into(),
        numbers(|part| part.p99_us).into(),
        numbers(|part| part.maximum_us).into(),
        // A list of texts has no nulls: an empty one is none.
        texts(|part| part.level.clone().unwrap_or_default()).into(),
    ];
    client
        .query(include_str!("../sql/load_runs/record.sql"), &parameters)
        .await?
        .one()?
        .get("load_run_id")
}

/// The last run that another can be compared with.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn last(client: &impl Client, alike: &Alike) -> Result<Option<StoredRun>, DbError> {
    let parameters = [
        alike.scenario.as_str().into(),
        alike.scale.into(),
        alike.users.into(),
        alike.asked_rate.into(),
    ];
    let rows = client
        .query(include_str!("../sql/load_runs/last.sql"), &parameters)
        .await?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let requests = rows.iter().map(|row| {
        Ok(StoredRequest {
            request: row.get("request")?,
            transactions: row.get("transactions")?,
            p50_ms: row.get("p50_ms")?,
            p95_ms: row.get("p95_ms")?,
            p99_ms: row.get("p99_ms")?,
        })
    });
    Ok(Some(StoredRun {
        load_run_id: first.get("load_run_id")?,
        recorded_at: first.get("recorded_at")?,
        server_version: first.get("server_version")?,
        requests: requests.collect::<Result<_, DbError>>()?,
    }))
}
