//! Writing what becomes of alerts, with what is told of them.

use chrono::{DateTime, Utc};
use db::{Client, DbError};
use serde::Serialize;
use serde_json::Value as Json;
use vitals::alert::{AlertState, Phase, Transition};
use vitals::level::Level;
use vitals::matcher::Labels;
use vitals::notification::Event;

use super::OVER;

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
    /// Nobody was told of the alert and it came to nothing; its row goes.
    Forget,
    /// The alert is opened, or moves on.
    Write(Box<Written>),
}

/// An alert as it is to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// Its state. Its number of news is counted by the table.
    pub next: AlertState,
    /// What the subject belongs to.
    pub labels: Labels,
    /// Why nobody is told at present.
    pub suppressed_by: Option<String>,
    /// What is new about it.
    pub news: Option<News>,
}

/// What is new about an alert, under one number: a transition, or something to tell, or both.
#[derive(Debug, Clone, PartialEq)]
pub struct News {
    /// How it moved, if it did.
    pub transition: Option<Transition>,
    /// The notification, as an object; the numbers of the alert and of the news are added as `alert_id` and `sequence`.
    /// Null when nobody is told.
    pub notification: Json,
    /// Who is told.
    pub messages: Vec<Message>,
}

/// A message of the news to a channel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// The channel.
    pub channel_id: i32,
    /// What kind of news it is to the channel.
    pub event: Event,
    /// What is said differently to this channel: an object whose fields replace those of the notification.
    pub said: Json,
}

/// What [`apply`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// Alerts that were opened, whatever their state.
    pub opened: i64,
    /// Open alerts that were written, resolved ones among them.
    pub changed: i64,
    /// Alerts that came to nothing before anybody was told.
    pub forgotten: i64,
    /// Transitions.
    pub transitions: i64,
    /// Messages that were put into the outbox.
    pub queued: i64,
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
            include_str!("../../sql/alerts/apply.sql"),
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

/// A change as the statement takes it.
#[derive(Serialize)]
struct ChangeRow<'a> {
    rule_id: &'a str,
    target_id: i32,
    subject: &'a str,
    subject_label: &'a str,
    forget: bool,
    #[serde(flatten)]
    written: Option<WrittenRow<'a>>,
}

#[derive(Serialize)]
struct WrittenRow<'a> {
    #[serde(flatten)]
    state: StateRow,
    labels: &'a Labels,
    suppressed_by: Option<&'a str>,
    news: i32,
    #[serde(flatten)]
    told: Option<NewsRow<'a>>,
}

#[derive(Serialize)]
struct StateRow {
    state: Phase,
    level: Level,
    value: Option<f64>,
    threshold: f64,
    pending_since: DateTime<Utc>,
    opened_at: Option<DateTime<Utc>>,
    level_since: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    no_data_since: Option<DateTime<Utc>>,
    calm_since: Option<DateTime<Utc>>,
    flap_penalty: f64,
    flaps_counted_at: DateTime<Utc>,
    flapping: bool,
    resolved_at: Option<DateTime<Utc>>,
}

#[derive(Serialize)]
struct NewsRow<'a> {
    from_level: Option<&'static str>,
    to_level: Option<&'static str>,
    #[serde(skip_serializing_if = "Json::is_null")]
    notification: &'a Json,
    messages: &'a [Message],
}

impl<'a> ChangeRow<'a> {
    fn new(change: &'a Change) -> ChangeRow<'a> {
        let written = match &change.action {
            Action::Forget => None,
            Action::Write(written) => Some(WrittenRow::new(written)),
        };
        ChangeRow {
            rule_id: &change.rule_id,
            target_id: change.target_id,
            subject: &change.subject,
            subject_label: &change.subject_label,
            forget: written.is_none(),
            written,
        }
    }
}

impl<'a> WrittenRow<'a> {
    fn new(written: &'a Written) -> WrittenRow<'a> {
        WrittenRow {
            state: StateRow::new(&written.next),
            labels: &written.labels,
            suppressed_by: written.suppressed_by.as_deref(),
            news: written.news.is_some().into(),
            told: written.news.as_ref().map(NewsRow::new),
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
            no_data_since: state.no_data_since,
            calm_since: state.calm_since,
            flap_penalty: state.flaps.penalty,
            flaps_counted_at: state.flaps.counted_at,
            flapping: state.flaps.damped,
            resolved_at: state.resolved_at,
        }
    }
}

impl<'a> NewsRow<'a> {
    fn new(news: &'a News) -> NewsRow<'a> {
        let (from_level, to_level) = match news.transition {
            Some(Transition::Fired { level }) => (Some(OVER), Some(level.as_str())),
            Some(Transition::LevelChanged { from, to }) => (Some(from.as_str()), Some(to.as_str())),
            Some(Transition::Resolved { from }) => (Some(from.as_str()), Some(OVER)),
            None => (None, None),
        };
        NewsRow {
            from_level,
            to_level,
            notification: &news.notification,
            messages: &news.messages,
        }
    }
}
