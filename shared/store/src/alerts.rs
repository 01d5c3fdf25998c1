//! Alerts, their transitions, and the messages that tell of them.

use chrono::{DateTime, Utc};
use db::{Client, DbError, Row};
use serde::Serialize;
use serde_json::Value as Json;
use vitals::alert::{AlertState, Phase, Transition};
use vitals::level::Level;

use crate::name;

/// An alert that is open, or was resolved so lately that its rule's cooldown runs.
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
}

/// What becomes of the alert of a rule, a target and a subject.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The rule.
    pub rule_id: String,
    /// The target.
    pub target_id: i32,
    /// What of the target.
    pub subject: String,
    /// The same for people.
    pub subject_label: String,
    /// What to write.
    pub action: Action,
}

/// What to write of an alert.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// The pending alert came to nothing; its row goes.
    Forget,
    /// The alert is opened in this state, or moves to it.
    Write {
        /// The state.
        next: AlertState,
        /// What is told of it, to whom it concerns: the transition and the notification, to which the numbers of the
        /// alert and of the transition are added as `alert_id` and `sequence`.
        told: Option<(Transition, Json)>,
    },
}

/// What [`apply`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// Alerts that were opened, pending or firing.
    pub opened: i64,
    /// Open alerts that were written, resolved ones among them.
    pub changed: i64,
    /// Pending alerts that came to nothing.
    pub forgotten: i64,
    /// Transitions.
    pub transitions: i64,
    /// Messages that were put into the outbox.
    pub queued: i64,
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
/// resolved last, if its rule's cooldown runs.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn current(client: &impl Client) -> Result<Vec<Alert>, DbError> {
    client
        .query(include_str!("../sql/alerts/current.sql"), &[])
        .await?
        .iter()
        .map(read_alert)
        .collect()
}

/// Writes what becomes of alerts, with their transitions and messages, in one statement. There may be one change for
/// each rule, target and subject.
///
/// # Errors
///
/// What the server or the connection said. Nothing is written then.
pub async fn apply(client: &impl Client, changes: &[Change]) -> Result<Applied, DbError> {
    if changes.is_empty() {
        return Ok(Applied::default());
    }
    let changes: Vec<ChangeRow<'_>> = changes.iter().map(ChangeRow::new).collect();
    let rows = client
        .query(
            include_str!("../sql/alerts/apply.sql"),
            &[crate::json::encode(&changes)?.into()],
        )
        .await?;
    let row = rows.one()?;
    Ok(Applied {
        opened: row.get("opened")?,
        changed: row.get("changed")?,
        forgotten: row.get("forgotten")?,
        transitions: row.get("transitions")?,
        queued: row.get("queued")?,
    })
}

fn read_alert(row: &Row) -> Result<Alert, DbError> {
    let state = AlertState {
        phase: name::read(row, "state")?,
        level: name::read(row, "level")?,
        value: row.get("value")?,
        threshold: row.get("threshold")?,
        pending_since: row.get("pending_since")?,
        opened_at: row.get("opened_at")?,
        level_since: row.get("level_since")?,
        last_seen_at: row.get("last_seen_at")?,
        resolved_at: row.get("resolved_at")?,
        sequence: row.get("sequence")?,
    };
    Ok(Alert {
        alert_id: row.get("alert_id")?,
        rule_id: row.get("rule_id")?,
        target_id: row.get("target_id")?,
        target: row.get("target")?,
        subject: row.get("subject")?,
        subject_label: row.get("subject_label")?,
        state,
    })
}

/// A change as the statement takes it.
#[derive(Serialize)]
struct ChangeRow<'a> {
    rule_id: &'a str,
    target_id: i32,
    subject: &'a str,
    subject_label: &'a str,
    forget: bool,
    #[serde(flatten)]
    state: Option<StateRow>,
    #[serde(flatten)]
    told: Option<ToldRow<'a>>,
}

#[derive(Serialize)]
struct StateRow {
    state: Phase,
    level: Level,
    value: f64,
    threshold: f64,
    pending_since: DateTime<Utc>,
    opened_at: Option<DateTime<Utc>>,
    level_since: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    resolved_at: Option<DateTime<Utc>>,
    sequence: i32,
}

#[derive(Serialize)]
struct ToldRow<'a> {
    event: &'static str,
    from_level: &'static str,
    to_level: &'static str,
    payload: &'a Json,
}

impl<'a> ChangeRow<'a> {
    fn new(change: &'a Change) -> ChangeRow<'a> {
        let (state, told) = match &change.action {
            Action::Forget => (None, None),
            Action::Write { next, told } => (Some(next), told.as_ref()),
        };
        ChangeRow {
            rule_id: &change.rule_id,
            target_id: change.target_id,
            subject: &change.subject,
            subject_label: &change.subject_label,
            forget: state.is_none(),
            state: state.map(StateRow::new),
            told: told.map(|(transition, payload)| ToldRow::new(*transition, payload)),
        }
    }
}

impl StateRow {
    fn new(state: &AlertState) -> StateRow {
        StateRow {
            state: state.phase,
            level: state.level,
            value: state.value,
            threshold: state.threshold,
            pending_since: state.pending_since,
            opened_at: state.opened_at,
            level_since: state.level_since,
            last_seen_at: state.last_seen_at,
            resolved_at: state.resolved_at,
            sequence: state.sequence,
        }
    }
}

impl<'a> ToldRow<'a> {
    fn new(transition: Transition, payload: &'a Json) -> ToldRow<'a> {
        let (event, from_level, to_level) = match transition {
            Transition::Fired { level } => ("firing", "ok", level.as_str()),
            Transition::LevelChanged { from, to } => ("level", from.as_str(), to.as_str()),
            Transition::Resolved { from } => ("resolved", from.as_str(), "ok"),
        };
        ToldRow {
            event,
            from_level,
            to_level,
            payload,
        }
    }
}
