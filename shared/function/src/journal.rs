//! Every run is written down: when it began, and how it ended.
//!
//! Each entry has a connection of its own, so that none is held while the run goes on. A run that is cut off by its
//! host leaves its entry `running`; the next run of the same function turns it into `abandoned`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use db::unit_of_work;
use serde_json::Value;

use crate::context::Context;
use crate::deadlines::{JOURNAL, with_deadline};
use crate::host::Host;

/// What started a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// The schedule.
    Cron,
    /// A request.
    Http,
}

impl Trigger {
    /// The word for it in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Trigger::Cron => "cron",
            Trigger::Http => "http",
        }
    }
}

/// An entry that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) run_id: i64,
    started_at: DateTime<Utc>,
}

/// Writes down that a run begins.
pub(crate) async fn start<H: Host>(
    context: &Context<H>,
    trigger: Trigger,
    deadline: Duration,
) -> anyhow::Result<Entry> {
    let entry = async {
        let client = context.monitoring().await?;
        unit_of_work(&client, &context.preamble(), async |client| {
            insert(client, context.function(), trigger, deadline).await
        })
        .await
        .map_err(anyhow::Error::from)
    };
    with_deadline("beginning the journal entry", JOURNAL, entry).await?
}

/// Writes down how a run ended.
pub(crate) async fn finish<H: Host>(
    context: &Context<H>,
    entry: &Entry,
    outcome: &str,
    report: &Value,
    error: Option<&str>,
) -> anyhow::Result<()> {
    let entry = async {
        let client = context.monitoring().await?;
        unit_of_work(&client, &context.preamble(), async |client| {
            update(client, entry, outcome, report, error).await
        })
        .await
        .map_err(anyhow::Error::from)
    };
    with_deadline("ending the journal entry", JOURNAL, entry).await?
}

async fn insert(
    client: &impl db::Client,
    function: &str,
    trigger: Trigger,
    deadline: Duration,
) -> Result<Entry, db::DbError> {
    let seconds = deadline.as_secs_f64();
    client
        .execute(
            "update monitoring.function_runs set outcome = 'abandoned', finished_at = pg_catalog.now()
             where function = $1 and outcome = 'running' and started_at < pg_catalog.now() - $2 * interval '1 second'",
            &[function.into(), seconds.into()],
        )
        .await?;
    let rows = client
        .query(
            "insert into monitoring.function_runs (function, trigger, started_at, outcome)
             values ($1, $2, pg_catalog.now(), 'running') returning run_id::int8, started_at::timestamptz",
            &[function.into(), trigger.as_str().into()],
        )
        .await?;
    let row = rows.one()?;
    Ok(Entry {
        run_id: row.get("run_id")?,
        started_at: row.get("started_at")?,
    })
}

async fn update(
    client: &impl db::Client,
    entry: &Entry,
    outcome: &str,
    report: &Value,
    error: Option<&str>,
) -> Result<(), db::DbError> {
    client
        .execute(
            "update monitoring.function_runs set outcome = $3, report = $4, error = $5::text, finished_at = pg_catalog.now()
             where run_id = $1 and started_at = $2",
            &[entry.run_id.into(), entry.started_at.into(), outcome.into(), report.clone().into(), error.into()],
        )
        .await?;
    Ok(())
}
