//! The journal: what each function did, and when.

use std::time::Duration;

use chrono::{DateTime, Utc};
use db::{Client, DbError, Row};
use serde_json::Value as Json;
use vitals::freshness::Freshness;
use vitals::outcome::RunOutcome;

use crate::retention;

/// What started a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// The schedule.
    Cron,
    /// A request.
    Http,
}

impl Trigger {
    /// The word in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Trigger::Cron => "cron",
            Trigger::Http => "http",
        }
    }
}

/// A run in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub run_id: i64,
    /// When it began, by the clock of the monitoring database.
    pub started_at: DateTime<Utc>,
}

/// The last run of a function. All but the name is empty for one that never ran.
#[derive(Debug, Clone, PartialEq)]
pub struct LastRun {
    /// The function.
    pub function: String,
    /// `running`, `ok`, `partial`, `failed` or `abandoned`.
    pub outcome: Option<String>,
    /// When the last run began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Why it failed.
    pub error: Option<String>,
    /// How long ago it began.
    pub age_seconds: Option<f64>,
    /// How long it took.
    pub duration_ms: Option<f64>,
    /// How long ago the last run ended that was `ok` or `partial`.
    pub success_age_seconds: Option<f64>,
    /// For how long it has been expected to run: since it was installed.
    pub expected_for_seconds: f64,
}

impl LastRun {
    /// Whether it still does what it should.
    pub fn freshness(&self) -> Freshness {
        Freshness::of_function(self.success_age_seconds, self.expected_for_seconds)
    }
}

/// Writes that a run begins and may take so long. Runs of the same function that did not end in their time are marked
/// abandoned. The partition that the journal is written to is made first where it is missing.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn start(
    client: &impl Client,
    function: &str,
    trigger: Trigger,
    deadline: Duration,
) -> Result<Run, DbError> {
    retention::maintain(client).await?;
    let parameters = [
        function.into(),
        trigger.as_str().into(),
        deadline.as_secs_f64().into(),
    ];
    let rows = client
        .query(include_str!("../sql/runs/start.sql"), &parameters)
        .await?;
    let row = rows.one()?;
    Ok(Run {
        run_id: row.get("run_id")?,
        started_at: row.get("started_at")?,
    })
}

/// Writes how a run ended. Gives `false` when it had ended already.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn finish(
    client: &impl Client,
    run: &Run,
    outcome: RunOutcome,
    report: Option<Json>,
    error: Option<&str>,
) -> Result<bool, DbError> {
    let parameters = [
        run.run_id.into(),
        run.started_at.into(),
        outcome.as_str().into(),
        report.into(),
        error.into(),
    ];
    Ok(client
        .execute(include_str!("../sql/runs/finish.sql"), &parameters)
        .await?
        == 1)
}

/// The last run of each of some functions.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn latest(client: &impl Client, functions: &[&str]) -> Result<Vec<LastRun>, DbError> {
    let names: Vec<String> = functions.iter().map(|name| (*name).to_owned()).collect();
    let rows = client
        .query(include_str!("../sql/runs/latest.sql"), &[names.into()])
        .await?;
    rows.iter().map(read_last_run).collect()
}

fn read_last_run(row: &Row) -> Result<LastRun, DbError> {
    Ok(LastRun {
        function: row.get("function")?,
        outcome: row.get("outcome")?,
        started_at: row.get("started_at")?,
        finished_at: row.get("finished_at")?,
        error: row.get("error")?,
        age_seconds: row.get("age_seconds")?,
        duration_ms: row.get("duration_ms")?,
        success_age_seconds: row.get("success_age_seconds")?,
        expected_for_seconds: row.get("expected_for_seconds")?,
    })
}
