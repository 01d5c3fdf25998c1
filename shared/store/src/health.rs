//! What the health endpoint says, read in one statement.

use std::time::Duration;

use chrono::{DateTime, Utc};
use db::{Client, DbError};
use serde::Deserialize;

/// The state of the loop.
#[derive(Debug, Clone, PartialEq)]
pub struct Health {
    /// The version of the schema.
    pub schema_version: i64,
    /// Every enabled target, by name.
    pub targets: Vec<TargetHealth>,
    /// Every function asked for, by name.
    pub functions: Vec<FunctionHealth>,
}

/// The state of a target. Of one that was never tried only the name and the interval are known.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct TargetHealth {
    /// Its name.
    pub target: String,
    /// Whether it answered last time.
    pub up: Option<bool>,
    /// The bounded code of the error.
    pub error_code: Option<String>,
    /// The error.
    pub error: Option<String>,
    /// Since when it does not answer.
    pub down_since: Option<DateTime<Utc>>,
    /// When it last answered.
    pub last_success_at: Option<DateTime<Utc>>,
    /// How long ago that is.
    pub success_age_seconds: Option<f64>,
    /// How often it is to be collected from.
    pub interval_seconds: i64,
}

/// The last run of a function. Of one that never ran only the name is known.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct FunctionHealth {
    /// Its name.
    pub function: String,
    /// `running`, `ok`, `partial`, `failed` or `abandoned`.
    pub outcome: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// How long ago that is.
    pub age_seconds: Option<f64>,
}

/// How long the oldest message waits that is neither delivered nor given up.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn oldest_waiting(client: &impl Client) -> Result<Duration, DbError> {
    let rows = client
        .query(include_str!("../sql/health/oldest_waiting.sql"), &[])
        .await?;
    let seconds: f64 = rows.one()?.get("waiting_seconds")?;
    Ok(Duration::from_secs_f64(seconds.max(0.0)))
}

/// Reads the state of all targets and of some functions.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn read(client: &impl Client, functions: &[&str]) -> Result<Health, DbError> {
    let names: Vec<String> = functions.iter().map(|name| (*name).to_owned()).collect();
    let rows = client
        .query(include_str!("../sql/health/read.sql"), &[names.into()])
        .await?;
    let row = rows.one()?;
    Ok(Health {
        schema_version: row.get::<Option<i64>>("schema_version")?.unwrap_or_default(),
        targets: crate::json::decode("targets", row.get("targets")?)?,
        functions: crate::json::decode("functions", row.get("functions")?)?,
    })
}
