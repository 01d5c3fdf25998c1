//! What the command shows of an installation.

use chrono::{DateTime, Utc};
use db::{Client, DbError, Row};

/// A target with its state.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetStatus {
    /// Its name.
    pub target: String,
    /// Its address, which holds no password.
    pub address: String,
    /// Whether it is watched.
    pub enabled: bool,
    /// How often.
    pub interval_seconds: i64,
    /// Whether it answered last time.
    pub up: Option<bool>,
    /// The bounded code of the error.
    pub error_code: Option<String>,
    /// The error.
    pub error: Option<String>,
    /// `server_version_num`.
    pub server_version: Option<i64>,
    /// Whether it is a replica.
    pub in_recovery: Option<bool>,
    /// Since when it does not answer.
    pub down_since: Option<DateTime<Utc>>,
    /// When it last answered.
    pub last_success_at: Option<DateTime<Utc>>,
    /// How long ago that is.
    pub success_age_seconds: Option<f64>,
    /// How many statements are known of it.
    pub statements: i64,
    /// How many alerts are firing.
    pub open_alerts: i64,
}

/// A firing alert.
#[derive(Debug, Clone, PartialEq)]
pub struct FiringAlert {
    /// Its number.
    pub alert_id: i64,
    /// The target.
    pub target: String,
    /// The rule.
    pub rule_id: String,
    /// What the rule says of it.
    pub summary: String,
    /// What it is about.
    pub subject_label: String,
    /// `warning`, `critical` or `emergency`.
    pub level: String,
    /// The last value, if any is known.
    pub value: Option<f64>,
    /// The threshold that it passed.
    pub threshold: f64,
    /// Since when it is firing.
    pub opened_at: Option<DateTime<Utc>>,
    /// What to do about it.
    pub runbook: Option<String>,
}

/// What a monitoring table takes, its partitions included.
#[derive(Debug, Clone, PartialEq)]
pub struct TableSize {
    /// The table.
    pub table_name: String,
    /// Bytes on disk, with indexes.
    pub bytes: i64,
    /// Rows, by the server's estimate.
    pub rows: i64,
    /// Bytes for each row, where there are any.
    pub bytes_per_row: Option<f64>,
    /// How many partitions it has.
    pub partitions: i64,
}

/// What the samples of a target will take once they have been kept for as long as they are to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// The target.
    pub target: String,
    /// From how many hours of roll-ups the rates were read, up to 24; nothing before the first hour is rolled up.
    pub measured_hours: Option<f64>,
    /// How many samples there are in a day.
    pub samples_per_day: Option<f64>,
    /// Bytes of samples, with indexes.
    pub raw_bytes: Option<f64>,
    /// Bytes of their hours.
    pub hourly_bytes: Option<f64>,
    /// Bytes of their days.
    pub daily_bytes: Option<f64>,
}

impl Forecast {
    /// All of it together.
    pub fn bytes(&self) -> Option<f64> {
        Some(self.raw_bytes? + self.hourly_bytes? + self.daily_bytes?)
    }
}

/// Every target, by name.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn targets(client: &impl Client) -> Result<Vec<TargetStatus>, DbError> {
    client
        .query(include_str!("../sql/status/targets.sql"), &[])
        .await?
        .iter()
        .map(read_target)
        .collect()
}

/// The firing alerts, worst first.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn alerts(client: &impl Client) -> Result<Vec<FiringAlert>, DbError> {
    client
        .query(include_str!("../sql/status/alerts.sql"), &[])
        .await?
        .iter()
        .map(read_alert)
        .collect()
}

/// What the monitoring tables take, largest first.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn sizes(client: &impl Client) -> Result<Vec<TableSize>, DbError> {
    client
        .query(include_str!("../sql/status/sizes.sql"), &[])
        .await?
        .iter()
        .map(read_size)
        .collect()
}

/// What each target will take at its present rate and with the present retention, largest first. Rates are those of the
/// last day, and a row is as large as the rows of its table are now, whosever they are.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn forecast(client: &impl Client) -> Result<Vec<Forecast>, DbError> {
    client
        .query(include_str!("../sql/status/forecast.sql"), &[])
        .await?
        .iter()
        .map(read_forecast)
        .collect()
}

fn read_target(row: &Row) -> Result<TargetStatus, DbError> {
    Ok(TargetStatus {
        target: row.get("target")?,
        address: row.get("address")?,
        enabled: row.get("enabled")?,
        interval_seconds: row.get("interval_seconds")?,
        up: row.get("up")?,
        error_code: row.get("error_code")?,
        error: row.get("error")?,
        server_version: row.get("server_version")?,
        in_recovery: row.get("in_recovery")?,
        down_since: row.get("down_since")?,
        last_success_at: row.get("last_success_at")?,
        success_age_seconds: row.get("success_age_seconds")?,
        statements: row.get("statements")?,
        open_alerts: row.get("open_alerts")?,
    })
}

fn read_alert(row: &Row) -> Result<FiringAlert, DbError> {
    Ok(FiringAlert {
        alert_id: row.get("alert_id")?,
        target: row.get("target")?,
        rule_id: row.get("rule_id")?,
        summary: row.get("summary")?,
        subject_label: row.get("subject_label")?,
        level: row.get("level")?,
        value: row.get("value")?,
        threshold: row.get("threshold")?,
        opened_at: row.get("opened_at")?,
        runbook: row.get("runbook")?,
    })
}

fn read_size(row: &Row) -> Result<TableSize, DbError> {
    Ok(TableSize {
        table_name: row.get("table_name")?,
        bytes: row.get("bytes")?,
        rows: row.get("rows")?,
        bytes_per_row: row.get("bytes_per_row")?,
        partitions: row.get("partitions")?,
    })
}

fn read_forecast(row: &Row) -> Result<Forecast, DbError> {
    Ok(Forecast {
        target: row.get("target")?,
        measured_hours: row.get("measured_hours")?,
        samples_per_day: row.get("samples_per_day")?,
        raw_bytes: row.get("raw_bytes")?,
        hourly_bytes: row.get("hourly_bytes")?,
        daily_bytes: row.get("daily_bytes")?,
    })
}
