//! Alerts as people see them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use db::{Client, DbError, Row};
use serde::Serialize;
use vitals::alert::Phase;
use vitals::level::Level;
use vitals::matcher::Labels;
use vitals::notification::Acknowledged;
use vitals::unit::Unit;

use crate::name;

/// An alert as it is listed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listed {
    /// Its number.
    pub alert_id: i64,
    /// The rule.
    pub rule_id: String,
    /// The name of the target.
    pub target: String,
    /// What of the target.
    pub subject: String,
    /// The same for people.
    pub subject_label: String,
    /// What the subject belongs to.
    pub labels: Labels,
    /// Where in its life it is.
    pub state: Phase,
    /// How bad it is, or was.
    pub level: Level,
    /// The value last seen.
    pub value: Option<f64>,
    /// Where the level begins.
    pub threshold: f64,
    /// What both are measured in, once it was told.
    pub unit: Option<Unit>,
    /// Since when the value has been bad, or not known.
    pub pending_since: DateTime<Utc>,
    /// When it fired.
    pub opened_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub resolved_at: Option<DateTime<Utc>>,
    /// Since when nothing is known of it any more.
    pub no_data_since: Option<DateTime<Utc>>,
    /// Whether it comes and goes so often that it is kept open.
    pub flapping: bool,
    /// Who takes care of it.
    pub acknowledged: Option<Acknowledged>,
    /// Why nobody is told at present.
    pub suppressed_by: Option<String>,
    /// What was told last, in one sentence.
    pub said: Option<String>,
    /// Where it is written what to do.
    pub runbook: Option<String>,
    /// The time at which this was so.
    pub now: DateTime<Utc>,
}

/// Something that happened to an alert.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Happening {
    /// When.
    pub at: DateTime<Utc>,
    /// `transition` or `message`.
    pub kind: String,
    /// From which level to which, or what kind of message.
    pub what: String,
    /// To which channel.
    pub channel: Option<String>,
    /// What became of the message.
    pub outcome: Option<String>,
}

/// The open alerts, and those resolved within a time, the worst first.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn list(client: &impl Client, resolved_within: Duration) -> Result<Vec<Listed>, DbError> {
    read(client, resolved_within, None).await
}

/// One alert, open or not.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn one(client: &impl Client, alert_id: i64) -> Result<Option<Listed>, DbError> {
    Ok(read(client, Duration::ZERO, Some(alert_id)).await?.pop())
}

async fn read(
    client: &impl Client,
    resolved_within: Duration,
    alert_id: Option<i64>,
) -> Result<Vec<Listed>, DbError> {
    client
        .query(
            include_str!("../../sql/alerts/list.sql"),
            &[resolved_within.as_secs_f64().into(), alert_id.into()],
        )
        .await?
        .iter()
        .map(read_listed)
        .collect()
}

/// What happened to an alert and who was told of it, in order.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn history(client: &impl Client, alert_id: i64) -> Result<Vec<Happening>, DbError> {
    client
        .query(include_str!("../../sql/alerts/history.sql"), &[alert_id.into()])
        .await?
        .iter()
        .map(|row| {
            Ok(Happening {
                at: row.get("at")?,
                kind: row.get("kind")?,
                what: row.get("what")?,
                channel: row.get("channel")?,
                outcome: row.get("outcome")?,
            })
        })
        .collect()
}

fn read_listed(row: &Row) -> Result<Listed, DbError> {
    let unit: Option<String> = row.get("unit")?;
    let acknowledged = match row.get("acknowledged_at")? {
        Some(at) => Some(Acknowledged {
            by: row.get("acknowledged_by")?,
            at,
            note: row.get("acknowledged_note")?,
        }),
        None => None,
    };
    Ok(Listed {
        alert_id: row.get("alert_id")?,
        rule_id: row.get("rule_id")?,
        target: row.get("target")?,
        subject: row.get("subject")?,
        subject_label: row.get("subject_label")?,
        labels: crate::json::decode("labels", row.get("labels")?)?,
        state: name::read(row, "state")?,
        level: name::read(row, "level")?,
        value: row.get("value")?,
        threshold: row.get("threshold")?,
        unit: unit.and_then(|unit| unit.parse().ok()),
        pending_since: row.get("pending_since")?,
        opened_at: row.get("opened_at")?,
        resolved_at: row.get("resolved_at")?,
        no_data_since: row.get("no_data_since")?,
        flapping: row.get("flapping")?,
        acknowledged,
        suppressed_by: row.get("suppressed_by")?,
        said: row.get("said")?,
        runbook: row.get("runbook")?,
        now: row.get("now")?,
    })
}
