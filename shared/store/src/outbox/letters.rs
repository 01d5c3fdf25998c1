//! Messages as people look at them: what waits, what was given up, and what a test came to.

use chrono::{DateTime, Utc};
use db::{Client, DbError, Row};
use serde_json::Value as Json;

/// What has become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterState {
    /// It is to be sent.
    Waiting,
    /// It was given up.
    Dead,
    /// It was delivered.
    Delivered,
}

impl LetterState {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Dead => "dead",
            Self::Delivered => "delivered",
        }
    }
}

/// A message and what has become of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// Its number.
    pub message_id: String,
    /// The name of its channel.
    pub channel: String,
    /// The kind of its channel.
    pub kind: String,
    /// The alert that it is about; none if it tests its channel.
    pub alert_id: Option<i64>,
    /// What kind of news it is, one of `vitals::notification::Event`.
    pub event: String,
    /// The target.
    pub target: Option<String>,
    /// The rule.
    pub rule_id: Option<String>,
    /// What of the target.
    pub subject_label: Option<String>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next, while it waits.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When it was delivered.
    pub delivered_at: Option<DateTime<Utc>>,
    /// When it was given up.
    pub dead_at: Option<DateTime<Utc>>,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// Messages of a state, of one channel or of all, the newest first.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn list(
    client: &impl Client,
    state: LetterState,
    channel: Option<&str>,
    most: i64,
) -> Result<Vec<Letter>, DbError> {
    let parameters = [state.as_str().into(), channel.into(), most.into()];
    let rows = client
        .query(include_str!("../../sql/outbox/list.sql"), &parameters)
        .await?;
    rows.iter().map(read_letter).collect()
}

/// Makes messages due now: those of these numbers, or, without any, all that were given up; of one channel or of all.
/// What was overtaken by later news of its alert stays as it is. Gives how many are due.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn retry(
    client: &impl Client,
    message_ids: &[String],
    channel: Option<&str>,
) -> Result<u64, DbError> {
    let message_ids = (!message_ids.is_empty()).then(|| message_ids.to_vec());
    let parameters = [message_ids.into(), channel.into()];
    client
        .execute(include_str!("../../sql/outbox/retry.sql"), &parameters)
        .await
}

/// Queues a message that tests a channel. Gives its number, or `None` if there is no channel of that name.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn queue_test(
    client: &impl Client,
    channel: &str,
    sequence: i32,
    event: &str,
    payload: Json,
    reference: Option<&str>,
) -> Result<Option<String>, DbError> {
    let parameters = [
        channel.into(),
        i64::from(sequence).into(),
        event.into(),
        payload.into(),
        reference.into(),
    ];
    let rows = client
        .query(include_str!("../../sql/outbox/queue_test.sql"), &parameters)
        .await?;
    rows.iter().next().map(|row| row.get("message_id")).transpose()
}

/// What has become of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// Its state.
    pub state: LetterState,
    /// How often it was tried.
    pub attempts: i64,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// What the receiver calls what it made of it.
    pub reference: Option<String>,
}

/// What has become of a message; `None` if there is none of that number.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn outcome(client: &impl Client, message_id: &str) -> Result<Option<Progress>, DbError> {
    let rows = client
        .query(include_str!("../../sql/outbox/outcome.sql"), &[message_id.into()])
        .await?;
    rows.iter().next().map(read_progress).transpose()
}

fn read_progress(row: &Row) -> Result<Progress, DbError> {
    let delivered: Option<DateTime<Utc>> = row.get("delivered_at")?;
    let dead: Option<DateTime<Utc>> = row.get("dead_at")?;
    Ok(Progress {
        state: match (delivered, dead) {
            (Some(_), _) => LetterState::Delivered,
            (None, Some(_)) => LetterState::Dead,
            (None, None) => LetterState::Waiting,
        },
        attempts: row.get("attempts")?,
        last_error: row.get("last_error")?,
        reference: row.get("reference")?,
    })
}

fn read_letter(row: &Row) -> Result<Letter, DbError> {
    Ok(Letter {
        message_id: row.get("message_id")?,
        channel: row.get("channel")?,
        kind: row.get("kind")?,
        alert_id: row.get("alert_id")?,
        event: row.get("event")?,
        target: row.get("target")?,
        rule_id: row.get("rule_id")?,
        subject_label: row.get("subject_label")?,
        created_at: row.get("created_at")?,
        attempts: row.get("attempts")?,
        next_attempt_at: row.get("next_attempt_at")?,
        delivered_at: row.get("delivered_at")?,
        dead_at: row.get("dead_at")?,
        last_error: row.get("last_error")?,
    })
}
