//! How the last run of each collector on each target went.

use db::{Client, DbError};
use serde::Serialize;
use vitals::outcome::Outcome;

/// One run of one collector on one target.
#[derive(Debug, Clone, PartialEq)]
pub struct CollectorRun {
    /// The target.
    pub target_id: i32,
    /// The collector.
    pub collector: String,
    /// How it went.
    pub outcome: Outcome,
    /// How many rows it wrote.
    pub rows: i64,
    /// How long it took.
    pub duration_ms: f64,
    /// How long ago it was found to be due, which decides when it is due again.
    pub begun_ms_ago: f64,
}

/// What keeps collectors from working on a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The target.
    pub target: String,
    /// Whether they failed; if not they were skipped, because the target lacks something.
    pub failed: bool,
    /// A code, and what to do.
    pub reason: String,
    /// The collectors.
    pub collectors: Vec<String>,
}

#[derive(Serialize)]
struct CollectorRow<'a> {
    target_id: i32,
    collector: &'a str,
    outcome: &'static str,
    reason: Option<&'a str>,
    rows: i64,
    duration_ms: f64,
    begun_ms_ago: f64,
}

impl<'a> From<&'a CollectorRun> for CollectorRow<'a> {
    fn from(run: &'a CollectorRun) -> CollectorRow<'a> {
        CollectorRow {
            target_id: run.target_id,
            collector: &run.collector,
            outcome: run.outcome.name(),
            reason: run.outcome.reason(),
            rows: run.rows,
            duration_ms: run.duration_ms,
            begun_ms_ago: run.begun_ms_ago,
        }
    }
}

/// Records how collectors fared.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn record(client: &impl Client, runs: &[CollectorRun]) -> Result<(), DbError> {
    if runs.is_empty() {
        return Ok(());
    }
    let rows: Vec<CollectorRow<'_>> = runs.iter().map(CollectorRow::from).collect();
    client
        .execute(
            include_str!("../sql/collector_status/record.sql"),
            &[crate::json::encode(&rows)?.into()],
        )
        .await?;
    Ok(())
}

/// What keeps collectors from working, of all enabled targets: what could be mended, each reason once per target.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn troubles(client: &impl Client) -> Result<Vec<Trouble>, DbError> {
    let rows = client
        .query(include_str!("../sql/collector_status/troubles.sql"), &[])
        .await?;
    let troubles = rows.iter().map(|row| {
        Ok(Trouble {
            target: row.get("target")?,
            failed: row.get::<String>("outcome")? == "failed",
            reason: row.get("reason")?,
            collectors: row.get("collectors")?,
        })
    });
    troubles.collect()
}
