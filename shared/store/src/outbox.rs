//! Notifications on their way out.

use std::time::Duration;

use chrono::{DateTime, Utc};
use db::{Client, DbError, Row};
use serde::Serialize;
use serde_json::Value as Json;

use crate::channels::{self, Address, read_address, read_timeout};

mod letters;

pub use letters::{Letter, LetterState, Progress, list, outcome, queue_test, retry};

/// From more than so many new messages on that are due at once to one channel that people read, they are a storm.
const STORM: i64 = 5;

/// How many messages of a storm leave as one at most.
const LARGEST_BATCH: i64 = 100;

/// A claimed message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its number.
    pub message_id: String,
    /// The alert that it is about; none if it tests its channel.
    pub alert_id: Option<i64>,
    /// Which transition of the alert.
    pub sequence: i32,
    /// What kind of news it is, one of `vitals::notification::Event`.
    pub event: String,
    /// The notification, the same for every channel.
    pub payload: Json,
    /// The number of this attempt, from 1. It is the proof of the lease.
    pub attempts: i32,
    /// When the transition was.
    pub created_at: DateTime<Utc>,
    /// What the receiver calls what it made of an earlier message about the same alert.
    pub reference: Option<String>,
}

/// Who a message is for.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipient {
    /// The number of the channel.
    pub channel_id: i32,
    /// Its name.
    pub name: String,
    /// Its kind, one of `vitals::channel::Kind`.
    pub kind: String,
    /// Where its address is.
    pub address: Address,
    /// The name of its key among the secrets, if it has one.
    pub key: Option<String>,
    /// What its kind needs beside that.
    pub settings: Json,
    /// How long its receiver may take.
    pub timeout: Duration,
}

/// What leaves as one: a message, or those of a storm.
#[derive(Debug, Clone, PartialEq)]
pub struct Parcel {
    /// The key by which the receiver knows what it was sent before.
    pub key: String,
    /// Who it is for.
    pub recipient: Recipient,
    /// The messages, oldest first; at least one.
    pub messages: Vec<Message>,
}

impl Parcel {
    /// The number of this attempt, from 1.
    pub fn attempts(&self) -> i32 {
        let attempts = self.messages.iter().map(|message| message.attempts);
        attempts.max().unwrap_or_default()
    }
}

/// How much is claimed.
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    /// How many parcels of each channel may be under way at once, whoever sends them.
    pub of_each_channel: i64,
    /// How many parcels in all.
    pub parcels: i64,
    /// After how long what is not completed is due again.
    pub lease: Duration,
    /// The kinds whose storms leave as one message.
    pub grouped_kinds: &'a [&'a str],
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivery {
    /// The receiver took it.
    Delivered {
        /// What the receiver calls what it made of it.
        reference: Option<String>,
        /// After how long it is to be sent again, while its alert fires.
        refresh: Option<Duration>,
    },
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

/// Claims what is due, in the order of the alerts. What is not completed within the lease is due again.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn claim_due(client: &impl Client, claim: &Claim<'_>) -> Result<Vec<Parcel>, DbError> {
    let kinds: Vec<String> = claim
        .grouped_kinds
        .iter()
        .map(|kind| (*kind).to_owned())
        .collect();
    let parameters = [
        claim.of_each_channel.into(),
        claim.parcels.into(),
        claim.lease.as_secs_f64().into(),
        kinds.into(),
        STORM.into(),
        LARGEST_BATCH.into(),
        channels::FAILURES_UNTIL_OPEN.into(),
    ];
    let rows = client
        .query(include_str!("../sql/outbox/claim_due.sql"), &parameters)
        .await?;
    let mut parcels: Vec<Parcel> = Vec::new();
    for row in rows.iter() {
        let message = read_message(row)?;
        let batch: Option<String> = row.get("batch_id")?;
        let key = batch.unwrap_or_else(|| message.message_id.clone());
        match parcels.iter_mut().find(|parcel| parcel.key == key) {
            Some(parcel) => parcel.messages.push(message),
            None => parcels.push(Parcel {
                key,
                recipient: read_recipient(row)?,
                messages: vec![message],
            }),
        }
    }
    Ok(parcels)
}

/// Claims delivered messages that are to be sent again, so that their receivers do not take the alerts for over: one
/// parcel a channel. They are due again after `interval`, whatever becomes of them.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn claim_refreshes(
    client: &impl Client,
    most: i64,
    interval: Duration,
) -> Result<Vec<Parcel>, DbError> {
    let parameters = [most.into(), interval.as_secs_f64().into()];
    let rows = client
        .query(include_str!("../sql/outbox/claim_refreshes.sql"), &parameters)
        .await?;
    let mut parcels: Vec<Parcel> = Vec::new();
    for row in rows.iter() {
        let (message, recipient) = (read_message(row)?, read_recipient(row)?);
        let same = |parcel: &&mut Parcel| parcel.recipient.channel_id == recipient.channel_id;
        match parcels.iter_mut().find(same) {
            Some(parcel) => parcel.messages.push(message),
            None => parcels.push(Parcel {
                key: message.message_id.clone(),
                recipient,
                messages: vec![message],
            }),
        }
    }
    Ok(parcels)
}

#[derive(Serialize)]
struct Done<'a> {
    message_id: &'a str,
    attempts: i32,
    outcome: &'static str,
    delay_seconds: Option<f64>,
    refresh_seconds: Option<f64>,
    reference: Option<&'a str>,
    error: Option<&'a str>,
}

impl<'a> Done<'a> {
    fn new(message: &'a Message, delivery: &'a Delivery) -> Done<'a> {
        let blank = Done {
            message_id: &message.message_id,
            attempts: message.attempts,
            outcome: "delivered",
            delay_seconds: None,
            refresh_seconds: None,
            reference: None,
            error: None,
        };
        match delivery {
            Delivery::Delivered { reference, refresh } => Done {
                reference: reference.as_deref(),
                refresh_seconds: refresh.map(|refresh| refresh.as_secs_f64()),
                ..blank
            },
            Delivery::Retry { delay, error } => Done {
                outcome: "retry",
                delay_seconds: Some(delay.as_secs_f64()),
                error: Some(error),
                ..blank
            },
            Delivery::Dead { error } => Done {
                outcome: "dead",
                error: Some(error),
                ..blank
            },
        }
    }
}

/// Writes what became of claimed parcels. Gives how many messages were written: one whose lease was taken over is not.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn complete(client: &impl Client, done: &[(Parcel, Delivery)]) -> Result<i64, DbError> {
    if done.is_empty() {
        return Ok(0);
    }
    let done: Vec<Done<'_>> = done
        .iter()
        .flat_map(|(parcel, delivery)| {
            parcel
                .messages
                .iter()
                .map(move |message| Done::new(message, delivery))
        })
        .collect();
    client
        .query(
            include_str!("../sql/outbox/complete.sql"),
            &[crate::json::encode(&done)?.into()],
        )
        .await?
        .one()?
        .get("written")
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
        reference: row.get("reference")?,
    })
}

fn read_recipient(row: &Row) -> Result<Recipient, DbError> {
    Ok(Recipient {
        channel_id: row.get("channel_id")?,
        name: row.get("channel")?,
        kind: row.get("kind")?,
        address: read_address(row)?,
        key: row.get("key")?,
        settings: row.get("settings")?,
        timeout: read_timeout(row)?,
    })
}
