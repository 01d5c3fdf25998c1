//! Automatic responses: what is to be done about which alert, and the journal of what was done.
//!
//! A response is done once or not at all: one whose run is cut off is given up, as nobody knows what it did.

use std::time::Duration;

use chrono::{DateTime, Utc};
use db::{Client, DbError, Row};
use serde_json::Value as Json;
use vitals::level::Level;
use vitals::response::{RunState, Turn};

use crate::collectors::TargetKind;
use crate::name;

/// A response that waits for its turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// Its number.
    pub run_id: i64,
    /// The alert it is about.
    pub alert_id: i64,
    /// The rule of the alert.
    pub rule_id: String,
    /// What the alert is about, for people.
    pub subject_label: String,
    /// The action, as the rule named it.
    pub action: String,
    /// Its arguments, as the rule had them.
    pub arguments: Json,
    /// Whether only to say what would be done.
    pub dry_run: bool,
    /// What decides whether it is begun.
    pub turn: Turn,
    /// What it is done to.
    pub target: ResponseTarget,
}

/// The target of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseTarget {
    /// Its number.
    pub target_id: i32,
    /// Its name.
    pub name: String,
    /// Its address, without a password.
    pub address: String,
    /// The name of its password among the secrets.
    pub secret: String,
    /// What kind of target it is.
    pub kind: TargetKind,
}

/// A response of which nobody knows what it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abandoned {
    /// Its number.
    pub run_id: i64,
    /// The alert it was about.
    pub alert_id: i64,
    /// The action.
    pub action: String,
    /// Whether it was a dry run.
    pub dry_run: bool,
    /// What is told of it.
    pub result: String,
}

/// How a response ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Whether it was done, failed, or was refused.
    pub state: RunState,
    /// How much was done; `None` where that is not known.
    pub affected: Option<i64>,
    /// What came of it, for people.
    pub result: String,
}

/// What [`end`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Whether the response was open until now. If not somebody gave it up meanwhile, and has told so.
    pub now: bool,
    /// Whether the response before it, for the same alert, ended with the same words.
    pub is_no_news: bool,
}

/// A response in the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its number.
    pub run_id: i64,
    /// The rule of the alert.
    pub rule_id: String,
    /// The name of the target.
    pub target: String,
    /// What the alert is about, for people.
    pub subject_label: String,
    /// The action.
    pub action: String,
    /// Its arguments.
    pub arguments: Json,
    /// Whether it was a dry run.
    pub dry_run: bool,
    /// How far it is.
    pub state: RunState,
    /// When the alert asked for it.
    pub queued_at: DateTime<Utc>,
    /// When it was begun.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// How much was done.
    pub affected: Option<i64>,
    /// What came of it.
    pub result: Option<String>,
}

/// What a rule does when it fires.
#[derive(Debug, Clone, PartialEq)]
pub struct Assigned {
    /// The rule.
    pub rule_id: String,
    /// Whether the rule is evaluated.
    pub enabled: bool,
    /// The action.
    pub action: String,
    /// Its arguments.
    pub arguments: Json,
    /// From which level on.
    pub level: Level,
}

/// Queues what the rules of firing alerts ask for; gives how many. To be called with the evaluator's lock, after the
/// alerts are written.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn queue(client: &impl Client, dry_run: bool) -> Result<u64, DbError> {
    client
        .execute(include_str!("../sql/responses/queue.sql"), &[dry_run.into()])
        .await
}

/// Asks to be the one who begins responses until the end of the transaction. If another one is, that one does what is to be
/// done.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn lock(client: &impl Client) -> Result<bool, DbError> {
    client
        .query(include_str!("../sql/responses/lock.sql"), &[])
        .await?
        .one()?
        .get("granted")
}

/// The responses that wait, oldest first. To be called with the lock.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn due(client: &impl Client, limit: i64) -> Result<Vec<Due>, DbError> {
    let rows = client
        .query(include_str!("../sql/responses/due.sql"), &[limit.into()])
        .await?;
    rows.iter().map(read_due).collect()
}

/// Begins responses, each with how much of it may be done. Whoever began them has this long to end them.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn begin(client: &impl Client, begun: &[(i64, i64)], lease: Duration) -> Result<(), DbError> {
    let (run_ids, allowances): (Vec<i64>, Vec<i64>) = begun.iter().copied().unzip();
    let parameters = [run_ids.into(), allowances.into(), lease.as_secs_f64().into()];
    client
        .execute(include_str!("../sql/responses/begin.sql"), &parameters)
        .await?;
    Ok(())
}

/// Gives up on responses whose run was cut off. Gives them, so that it is told.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn abandon(client: &impl Client) -> Result<Vec<Abandoned>, DbError> {
    let rows = client
        .query(include_str!("../sql/responses/abandoned.sql"), &[])
        .await?;
    let read = |row: &Row| {
        Ok(Abandoned {
            run_id: row.get("run_id")?,
            alert_id: row.get("alert_id")?,
            action: row.get("action")?,
            dry_run: row.get("dry_run")?,
            result: row.get("result")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Writes how a response ended.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn end(client: &impl Client, run_id: i64, end: &End) -> Result<Ended, DbError> {
    let parameters = [
        run_id.into(),
        end.state.as_str().into(),
        end.affected.into(),
        end.result.as_str().into(),
    ];
    let rows = client
        .query(include_str!("../sql/responses/end.sql"), &parameters)
        .await?;
    let row = rows.one()?;
    Ok(Ended {
        now: row.get::<i64>("ended")? == 1,
        is_no_news: row.get("is_no_news")?,
    })
}

/// The journal, newest first.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn journal(client: &impl Client, limit: i64) -> Result<Vec<Entry>, DbError> {
    let rows = client
        .query(include_str!("../sql/responses/journal.sql"), &[limit.into()])
        .await?;
    rows.iter().map(read_entry).collect()
}

/// The rules that respond, by name.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn assigned(client: &impl Client) -> Result<Vec<Assigned>, DbError> {
    let rows = client
        .query(include_str!("../sql/responses/assigned.sql"), &[])
        .await?;
    let read = |row: &Row| {
        Ok(Assigned {
            rule_id: row.get("rule_id")?,
            enabled: row.get("enabled")?,
            action: row.get("action")?,
            arguments: row.get("arguments")?,
            level: name::read(row, "level")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Has a rule respond with an action, or no longer. Gives `false` when there is no such rule.
///
/// # Errors
///
/// What the server or the connection said; what the program would not take is refused by a constraint.
pub async fn assign(
    client: &impl Client,
    rule_id: &str,
    action: Option<&str>,
    arguments: Json,
    level: Level,
) -> Result<bool, DbError> {
    let parameters = [
        rule_id.into(),
        action.into(),
        arguments.into(),
        level.as_str().into(),
    ];
    let changed = client
        .execute(include_str!("../sql/responses/assign.sql"), &parameters)
        .await?;
    Ok(changed == 1)
}

fn read_due(row: &Row) -> Result<Due, DbError> {
    let kind: String = row.get("kind")?;
    let waited: f64 = row.get("waited_seconds")?;
    Ok(Due {
        run_id: row.get("run_id")?,
        alert_id: row.get("alert_id")?,
        rule_id: row.get("rule_id")?,
        subject_label: row.get("subject_label")?,
        action: row.get("action")?,
        arguments: row.get("arguments")?,
        dry_run: row.get("dry_run")?,
        turn: Turn {
            alert_fires: row.get("alert_fires")?,
            waited: Duration::from_secs_f64(waited.max(0.0)),
            used_within_hour: row.get("used_within_hour")?,
        },
        target: ResponseTarget {
            target_id: row.get("target_id")?,
            name: row.get("target")?,
            address: row.get("address")?,
            secret: row.get("secret")?,
            kind: TargetKind::from_name(&kind)
                .ok_or_else(|| DbError::decode(format!("a target is of no known kind: {kind}")))?,
        },
    })
}

fn read_entry(row: &Row) -> Result<Entry, DbError> {
    Ok(Entry {
        run_id: row.get("run_id")?,
        rule_id: row.get("rule_id")?,
        target: row.get("target")?,
        subject_label: row.get("subject_label")?,
        action: row.get("action")?,
        arguments: row.get("arguments")?,
        dry_run: row.get("dry_run")?,
        state: name::read(row, "state")?,
        queued_at: row.get("queued_at")?,
        started_at: row.get("started_at")?,
        ended_at: row.get("ended_at")?,
        affected: row.get("affected")?,
        result: row.get("result")?,
    })
}
