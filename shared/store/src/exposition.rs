//! Reads for the metrics endpoint. The last run of each function is in [`runs`](crate::runs), the outbox in
//! [`outbox`](crate::outbox), the names of statements in [`statements`](crate::statements).

use chrono::{DateTime, Utc};
use db::{Client, DbError, Row};
use serde_json::Value as Json;

use crate::collectors::TargetKind;

/// What is known of an enabled target.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetMetrics {
    /// Its number.
    pub target_id: i32,
    /// Its name.
    pub target: String,
    /// What else is to be said of it.
    pub labels: Json,
    /// Whether it answered last time; none when it was never tried.
    pub up: Option<bool>,
    /// The bounded code of the error.
    pub error_code: Option<String>,
    /// What it is.
    pub kind: TargetKind,
    /// `server_version_num`, or the version of a PgBouncer in the same manner.
    pub version: Option<i64>,
    /// When the server was started.
    pub server_started_at: Option<DateTime<Utc>>,
    /// Whether it is a replica.
    pub in_recovery: Option<bool>,
    /// How long ago it last answered.
    pub success_age_seconds: Option<f64>,
}

/// The last sample of the connections of a target.
#[derive(Debug, Clone, PartialEq)]
pub struct ActivityMetrics {
    /// The target.
    pub target: String,
    /// When it was taken.
    pub sampled_at: DateTime<Utc>,
    /// The sample.
    pub sample: crate::snapshots::ActivitySample,
}

/// How the last run of a collector on a target went.
#[derive(Debug, Clone, PartialEq)]
pub struct CollectorMetrics {
    /// The target.
    pub target: String,
    /// The collector.
    pub collector: String,
    /// `ok`, `no_data`, `skipped` or `failed`.
    pub outcome: String,
    /// Why it was skipped or failed.
    pub reason: Option<String>,
    /// How many rows it wrote.
    pub rows: i64,
    /// How long it took.
    pub duration_ms: f64,
    /// How long ago it ran.
    pub age_seconds: f64,
    /// How long ago it last succeeded.
    pub success_age_seconds: Option<f64>,
}

/// How many alerts of a rule are firing on a target at a level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertMetrics {
    /// The target.
    pub target: String,
    /// The rule.
    pub rule_id: String,
    /// `warning`, `critical` or `emergency`.
    pub level: String,
    /// How many.
    pub alerts: i64,
}

/// The time of the database in seconds since 1970.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn now(client: &impl Client) -> Result<f64, DbError> {
    let rows = client
        .query(include_str!("../sql/exposition/now.sql"), &[])
        .await?;
    rows.one()?.get("now")
}

/// What is known of each enabled target, by name.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn targets(client: &impl Client) -> Result<Vec<TargetMetrics>, DbError> {
    client
        .query(include_str!("../sql/exposition/targets.sql"), &[])
        .await?
        .iter()
        .map(read_target)
        .collect()
}

/// The last sample of the connections of each enabled target that has a recent one.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn activity(client: &impl Client) -> Result<Vec<ActivityMetrics>, DbError> {
    client
        .query(include_str!("../sql/exposition/activity.sql"), &[])
        .await?
        .iter()
        .map(read_activity)
        .collect()
}

/// How the last run of each collector on each enabled target went.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn collectors(client: &impl Client) -> Result<Vec<CollectorMetrics>, DbError> {
    let rows = client
        .query(include_str!("../sql/exposition/collectors.sql"), &[])
        .await?;
    rows.iter().map(read_collector).collect()
}

/// How many alerts are firing, per target, rule and level.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn open_alerts(client: &impl Client) -> Result<Vec<AlertMetrics>, DbError> {
    let rows = client
        .query(include_str!("../sql/exposition/open_alerts.sql"), &[])
        .await?;
    rows.iter().map(read_alert).collect()
}

fn read_target(row: &Row) -> Result<TargetMetrics, DbError> {
    Ok(TargetMetrics {
        target_id: row.get("target_id")?,
        target: row.get("target")?,
        labels: row.get("labels")?,
        up: row.get("up")?,
        error_code: row.get("error_code")?,
        kind: crate::targets::read_kind(row)?,
        version: row.get("version")?,
        server_started_at: row.get("server_started_at")?,
        in_recovery: row.get("in_recovery")?,
        success_age_seconds: row.get("success_age_seconds")?,
    })
}

fn read_activity(row: &Row) -> Result<ActivityMetrics, DbError> {
    Ok(ActivityMetrics {
        target: row.get("target")?,
        sampled_at: row.get("sampled_at")?,
        sample: crate::snapshots::ActivitySample::read(row)?,
    })
}

fn read_collector(row: &Row) -> Result<CollectorMetrics, DbError> {
    Ok(CollectorMetrics {
        target: row.get("target")?,
        collector: row.get("collector")?,
        outcome: row.get("outcome")?,
        reason: row.get("reason")?,
        rows: row.get("rows")?,
        duration_ms: row.get("duration_ms")?,
        age_seconds: row.get("age_seconds")?,
        success_age_seconds: row.get("success_age_seconds")?,
    })
}

fn read_alert(row: &Row) -> Result<AlertMetrics, DbError> {
    Ok(AlertMetrics {
        target: row.get("target")?,
        rule_id: row.get("rule_id")?,
        level: row.get("level")?,
        alerts: row.get("alerts")?,
    })
}
