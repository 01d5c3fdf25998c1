//! Alerts: how they stand, what was told of them to whom, and what people do about them.

mod change;
mod listing;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use db::{Client, DbError, Row};
use serde_json::Value as Json;
use vitals::alert::{AlertState, FLAPS_MEMORY, Flaps};
use vitals::level::Level;
use vitals::matcher::Labels;
use vitals::notification::{Acknowledged, Event, ResponseResult};
use vitals::route::Told;

use crate::name;

pub use change::{Action, Applied, Change, Message, News, Written, apply};
pub use listing::{Happening, Listed, history, list, one};

/// What a channel is said to have been told when it was told that the alert is over.
const OVER: &str = "ok";

/// An alert that is open, or was resolved so lately that it makes a difference to what comes next.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Its number.
    pub alert_id: i64,
    /// The rule.
    pub rule_id: String,
    /// The target.
    pub target_id: i32,
    /// The name of the target.
    pub target: String,
    /// What of the target.
    pub subject: String,
    /// The same for people.
    pub subject_label: String,
    /// What decides what comes next.
    pub state: AlertState,
    /// What the subject belongs to.
    pub labels: Labels,
    /// Who acknowledged it, and how bad it was then.
    pub acknowledged: Option<(Acknowledged, Level)>,
    /// Why nobody is told at present.
    pub suppressed_by: Option<String>,
    /// What was done about it automatically.
    pub responses: Vec<ResponseResult>,
}

impl Alert {
    /// Who acknowledged it, if that still counts when it is this bad: whoever took a warning up has not seen the emergency.
    pub fn acknowledged_at_level(&self, level: Level) -> Option<&Acknowledged> {
        self.acknowledged
            .as_ref()
            .filter(|(_, seen)| level <= *seen)
            .map(|(acknowledged, _)| acknowledged)
    }
}

/// Asks to be the one evaluator until the end of the transaction. Gives the time by which everything in it is judged, or
/// nothing when another evaluator is at work, which then does what is to be done. To be called first in a unit of work.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn lock_evaluator(client: &impl Client) -> Result<Option<DateTime<Utc>>, DbError> {
    let rows = client.query(include_str!("../sql/alerts/lock.sql"), &[]).await?;
    let row = rows.one()?;
    Ok(if row.get("granted")? {
        Some(row.get("now")?)
    } else {
        None
    })
}

/// The alert that an observation continues, one per rule, target and subject: the open one, or else the one that was
/// resolved last, if its rule's cooldown runs or its flapping is remembered.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn current(client: &impl Client) -> Result<Vec<Alert>, DbError> {
    client
        .query(
            include_str!("../sql/alerts/current.sql"),
            &[FLAPS_MEMORY.as_secs_f64().into()],
        )
        .await?
        .iter()
        .map(read_alert)
        .collect()
}

/// What each channel was told last of the alerts that fire, by the numbers of alert and channel.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn told(client: &impl Client) -> Result<HashMap<i64, BTreeMap<i32, Told>>, DbError> {
    let mut told: HashMap<i64, BTreeMap<i32, Told>> = HashMap::new();
    for row in &client.query(include_str!("../sql/alerts/told.sql"), &[]).await? {
        let level: String = row.get("told_level")?;
        let level = match level.as_str() {
            OVER => None,
            _ => Some(name::read(row, "told_level")?),
        };
        let last = Told {
            level,
            at: row.get("told_at")?,
            is_dead: row.get("is_dead")?,
        };
        told.entry(row.get("alert_id")?)
            .or_default()
            .insert(row.get("channel_id")?, last);
    }
    Ok(told)
}

/// Tells every channel that knows of a firing alert something more about it. `extra` is an object with what is said beside,
/// or differently from, what was told last (`responses`, `summary`, …); later messages of the alert say it too. Gives how
/// many channels are told: none if the alert is over.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn announce(
    client: &impl Client,
    alert_id: i64,
    event: Event,
    extra: Json,
) -> Result<i64, DbError> {
    client
        .query(
            include_str!("../sql/alerts/announce.sql"),
            &[alert_id.into(), event.as_str().into(), extra.into()],
        )
        .await?
        .one()?
        .get("queued")
}

/// Writes down that somebody takes an alert up: while it gets no worse it is not escalated and nobody is reminded. Gives
/// whether it is open.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn acknowledge(
    client: &impl Client,
    alert_id: i64,
    by: &str,
    note: Option<&str>,
) -> Result<bool, DbError> {
    Ok(client
        .execute(
            include_str!("../sql/alerts/acknowledge.sql"),
            &[alert_id.into(), by.into(), note.into()],
        )
        .await?
        == 1)
}

fn read_alert(row: &Row) -> Result<Alert, DbError> {
    Ok(Alert {
        alert_id: row.get("alert_id")?,
        rule_id: row.get("rule_id")?,
        target_id: row.get("target_id")?,
        target: row.get("target")?,
        subject: row.get("subject")?,
        subject_label: row.get("subject_label")?,
        state: read_state(row)?,
        labels: crate::json::decode("labels", row.get("labels")?)?,
        acknowledged: read_acknowledged(row)?,
        suppressed_by: row.get("suppressed_by")?,
        responses: crate::json::decode("responses", row.get("responses")?)?,
    })
}

fn read_state(row: &Row) -> Result<AlertState, DbError> {
    Ok(AlertState {
        phase: name::read(row, "state")?,
        level: name::read(row, "level")?,
        value: row.get("value")?,
        threshold: row.get("threshold")?,
        pending_since: row.get("pending_since")?,
        opened_at: row.get("opened_at")?,
        level_since: row.get("level_since")?,
        last_seen_at: row.get("last_seen_at")?,
        no_data_since: row.get("no_data_since")?,
        calm_since: row.get("calm_since")?,
        flaps: Flaps {
            penalty: row.get("flap_penalty")?,
            counted_at: row.get("flaps_counted_at")?,
            damped: row.get("flapping")?,
        },
        resolved_at: row.get("resolved_at")?,
        sequence: row.get("sequence")?,
    })
}

/// The columns are filled together or not at all.
fn read_acknowledged(row: &Row) -> Result<Option<(Acknowledged, Level)>, DbError> {
    let Some(at) = row.get("acknowledged_at")? else {
        return Ok(None);
    };
    let acknowledged = Acknowledged {
        by: row.get("acknowledged_by")?,
        at,
        note: row.get("acknowledged_note")?,
    };
    Ok(Some((acknowledged, name::read(row, "acknowledged_level")?)))
}
