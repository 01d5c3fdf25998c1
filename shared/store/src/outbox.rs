//! Notifications on their way out.

use std::time::Duration;

use chrono::{DateTime, Utc};
use db::{Client, DbError, Row};
use serde::Serialize;
use serde_json::Value as Json;

use crate::channels::{Address, read_address};

/// A claimed message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The key by which the receiver knows a message that it was sent before.
    pub message_id: String,
    /// The alert that it is about.
    pub alert_id: i64,
    /// Which transition of the alert.
    pub sequence: i32,
    /// `firing`, `level` or `resolved`.
    pub event: String,
    /// The notification, the same for every channel.
    pub payload: Json,
    /// The number of this attempt, from 1. It is the proof of the lease.
    pub attempts: i32,
    /// When the transition was.
    pub created_at: DateTime<Utc>,
    /// The channel.
    pub channel_id: i32,
    /// Its name.
    pub channel: String,
    /// Its kind.
    pub kind: String,
    /// Where its address is.
    pub address: Address,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivery {
    /// The receiver took it.
    Delivered,
    /// It did not, and is to be asked again.
    Retry {
        /// After how long.
        delay: Duration,
        /// What it said.
        error: String,
    },
    /// It never will.
    Dead {
        /// What it said.
        error: String,
    },
}

/// How full the outbox is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counts {
    /// Messages to be sent.
    pub waiting: i64,
    /// Of these, messages that were tried before.
    pub retrying: i64,
    /// Messages that were delivered, of those still kept.
    pub delivered: i64,
    /// Messages that were given up, of those still kept.
    pub dead: i64,
    /// How long the oldest has been waiting.
    pub oldest_waiting_seconds: f64,
}

/// Claims messages that are due, so many of each channel at most, in the order of their alerts. What is not completed
/// within the lease is due again.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn claim_due(
    client: &impl Client,
    of_each_channel: i64,
    lease: Duration,
) -> Result<Vec<Message>, DbError> {
    let parameters = [of_each_channel.into(), lease.as_secs_f64().into()];
    let rows = client
        .query(include_str!("../sql/outbox/claim_due.sql"), &parameters)
        .await?;
    rows.iter().map(read_message).collect()
}

#[derive(Serialize)]
struct Done<'a> {
    message_id: &'a str,
    attempts: i32,
    outcome: &'static str,
    delay_seconds: Option<f64>,
    error: Option<&'a str>,
}

impl<'a> Done<'a> {
    fn new(message: &'a Message, delivery: &'a Delivery) -> Done<'a> {
        let (outcome, delay, error) = match delivery {
            Delivery::Delivered => ("delivered", None, None),
            Delivery::Retry { delay, error } => ("retry", Some(delay.as_secs_f64()), Some(error.as_str())),
            Delivery::Dead { error } => ("dead", None, Some(error.as_str())),
        };
        Done {
            message_id: &message.message_id,
            attempts: message.attempts,
            outcome,
            delay_seconds: delay,
            error,
        }
    }
}

/// Writes what became of claimed messages. Gives how many were written: one whose lease was taken over is not.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn complete(client: &impl Client, done: &[(Message, Delivery)]) -> Result<u64, DbError> {
    if done.is_empty() {
        return Ok(0);
    }
    let done: Vec<Done<'_>> = done
        .iter()
        .map(|(message, delivery)| Done::new(message, delivery))
        .collect();
    client
        .execute(
            include_str!("../sql/outbox/complete.sql"),
            &[crate::json::encode(&done)?.into()],
        )
        .await
}

/// How full the outbox is.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn counts(client: &impl Client) -> Result<Counts, DbError> {
    let rows = client
        .query(include_str!("../sql/outbox/counts.sql"), &[])
        .await?;
    let row = rows.one()?;
    Ok(Counts {
        waiting: row.get("waiting")?,
        retrying: row.get("retrying")?,
        delivered: row.get("delivered")?,
        dead: row.get("dead")?,
        oldest_waiting_seconds: row.get("oldest_waiting_seconds")?,
    })
}

fn read_message(row: &Row) -> Result<Message, DbError> {
    Ok(Message {
        message_id: row.get("message_id")?,
        alert_id: row.get("alert_id")?,
        sequence: row.get("sequence")?,
        event: row.get("event")?,
        payload: row.get("payload")?,
        attempts: row.get("attempts")?,
        created_at: row.get("created_at")?,
        channel_id: row.get("channel_id")?,
        channel: row.get("channel")?,
        kind: row.get("kind")?,
        address: read_address(row)?,
    })
}
