//! Who is told of alerts.

use std::time::Duration;

use chrono::{DateTime, Utc};
use db::{Client, DbError, Row};
use serde::Serialize;
use serde_json::Value as Json;
use vitals::level::Level;

/// From so many failures in a row on a receiver is left alone, and then tried with a single message.
pub const FAILURES_UNTIL_OPEN: i64 = 5;

/// How long a receiver that keeps failing is left alone at first. It is doubled with each failure more.
const SHORTEST_OPEN: Duration = Duration::from_secs(30);

/// How long a receiver is left alone at most.
const LONGEST_OPEN: Duration = Duration::from_secs(600);

/// How long a receiver may take for one message, unless its channel says otherwise.
pub const USUAL_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the address of a channel is to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// In the row itself.
    Url(String),
    /// Among the secrets, under this name.
    Secret(String),
    /// It is the one that the service has for everybody.
    Usual,
}

/// A channel that is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChannel {
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
    /// The level from which on it is told.
    pub minimum_level: Level,
    /// How long its receiver may take for one message.
    pub timeout: Duration,
}

/// A channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// Its number.
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
    /// The level from which on it is told.
    pub minimum_level: Level,
    /// How long its receiver may take for one message.
    pub timeout: Duration,
    /// Whether it is told at present.
    pub enabled: bool,
    /// How its receiver is doing.
    pub health: Health,
}

/// How a receiver is doing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Health {
    /// How often in a row it could not be told anything.
    pub consecutive_failures: i64,
    /// Until when it is left alone, if it is.
    pub open_until: Option<DateTime<Utc>>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When that was.
    pub last_error_at: Option<DateTime<Utc>>,
    /// When it took something last.
    pub last_success_at: Option<DateTime<Utc>>,
    /// How many messages wait for it.
    pub waiting: i64,
    /// How many messages to it were given up, of those still kept.
    pub dead: i64,
}

/// Adds a channel that needs nothing but its address, or changes the one of that name. Gives its number.
///
/// # Errors
///
/// What the server or the connection said; a malformed row is refused by a constraint that names what is wrong.
pub async fn add(
    client: &impl Client,
    name: &str,
    kind: &str,
    address: &Address,
    minimum_level: Level,
) -> Result<i32, DbError> {
    let channel = NewChannel {
        name: name.to_owned(),
        kind: kind.to_owned(),
        address: address.clone(),
        key: None,
        settings: Json::Object(serde_json::Map::new()),
        minimum_level,
        timeout: USUAL_TIMEOUT,
    };
    set_up(client, &channel).await
}

/// Adds a channel, or changes the one of that name, which is then switched on and counts as working. Gives its number.
///
/// # Errors
///
/// What the server or the connection said; a malformed row is refused by a constraint that names what is wrong.
pub async fn set_up(client: &impl Client, channel: &NewChannel) -> Result<i32, DbError> {
    let (url, secret) = match &channel.address {
        Address::Url(url) => (Some(url.as_str()), None),
        Address::Secret(secret) => (None, Some(secret.as_str())),
        Address::Usual => (None, None),
    };
    let parameters = [
        channel.name.as_str().into(),
        channel.kind.as_str().into(),
        url.into(),
        secret.into(),
        channel.key.as_deref().into(),
        channel.settings.clone().into(),
        channel.minimum_level.as_str().into(),
        i64::try_from(channel.timeout.as_secs())
            .unwrap_or(i64::MAX)
            .into(),
    ];
    client
        .query(include_str!("../sql/channels/add.sql"), &parameters)
        .await?
        .one()?
        .get("channel_id")
}

/// All channels, by name.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn list(client: &impl Client) -> Result<Vec<Channel>, DbError> {
    client
        .query(include_str!("../sql/channels/list.sql"), &[])
        .await?
        .iter()
        .map(read_channel)
        .collect()
}

/// Removes a channel and its messages. Gives whether there was one of that name.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn remove(client: &impl Client, name: &str) -> Result<bool, DbError> {
    Ok(client
        .execute(include_str!("../sql/channels/remove.sql"), &[name.into()])
        .await?
        == 1)
}

/// Switches a channel on or off. Gives whether there is one of that name.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn set_enabled(client: &impl Client, name: &str, enabled: bool) -> Result<bool, DbError> {
    let parameters = [name.into(), enabled.into()];
    Ok(client
        .execute(include_str!("../sql/channels/set_enabled.sql"), &parameters)
        .await?
        == 1)
}

/// What an attempt says about a receiver.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// The channel.
    pub channel_id: i32,
    /// How it went.
    pub outcome: AttemptOutcome,
}

/// How an attempt went, as far as it says something about the receiver.
#[derive(Debug, Clone, PartialEq)]
pub enum AttemptOutcome {
    /// The receiver works.
    Delivered,
    /// It does not, or did not in time.
    Failed {
        /// For how long it asked to be left alone.
        rest: Option<Duration>,
        /// What it said.
        error: String,
    },
    /// It works, but refuses this message.
    Refused {
        /// What it said.
        error: String,
    },
    /// It is gone for good.
    Gone {
        /// What it said.
        error: String,
    },
}

#[derive(Serialize)]
struct Recorded<'a> {
    channel_id: i32,
    outcome: &'static str,
    rest_seconds: Option<f64>,
    error: Option<&'a str>,
}

impl<'a> Recorded<'a> {
    fn new(attempt: &'a Attempt) -> Recorded<'a> {
        let (outcome, rest, error) = match &attempt.outcome {
            AttemptOutcome::Delivered => ("delivered", None, None),
            AttemptOutcome::Failed { rest, error } => ("failed", *rest, Some(error.as_str())),
            AttemptOutcome::Refused { error } => ("refused", None, Some(error.as_str())),
            AttemptOutcome::Gone { error } => ("gone", None, Some(error.as_str())),
        };
        Recorded {
            channel_id: attempt.channel_id,
            outcome,
            rest_seconds: rest.map(|rest| rest.as_secs_f64()),
            error,
        }
    }
}

/// Writes how receivers are doing: one that keeps failing is left alone for a while (`open_until`), one that is gone for
/// good is switched off.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn record(client: &impl Client, attempts: &[Attempt]) -> Result<(), DbError> {
    if attempts.is_empty() {
        return Ok(());
    }
    let attempts: Vec<Recorded<'_>> = attempts.iter().map(Recorded::new).collect();
    let parameters = [
        crate::json::encode(&attempts)?.into(),
        FAILURES_UNTIL_OPEN.into(),
        SHORTEST_OPEN.as_secs_f64().into(),
        LONGEST_OPEN.as_secs_f64().into(),
    ];
    client
        .execute(include_str!("../sql/channels/record.sql"), &parameters)
        .await
        .map(|_| ())
}

/// The address in the two columns of a row, of which the table lets at most one be filled.
pub(crate) fn read_address(row: &Row) -> Result<Address, DbError> {
    let url: Option<String> = row.get("url")?;
    let secret: Option<String> = row.get("secret")?;
    Ok(match (url, secret) {
        (Some(url), _) => Address::Url(url),
        (None, Some(secret)) => Address::Secret(secret),
        (None, None) => Address::Usual,
    })
}

/// The seconds in a column, of which the table lets only a few be.
pub(crate) fn read_timeout(row: &Row) -> Result<Duration, DbError> {
    let seconds: i64 = row.get("timeout_seconds")?;
    Ok(u64::try_from(seconds).map_or(USUAL_TIMEOUT, Duration::from_secs))
}

fn read_channel(row: &Row) -> Result<Channel, DbError> {
    Ok(Channel {
        channel_id: row.get("channel_id")?,
        name: row.get("name")?,
        kind: row.get("kind")?,
        address: read_address(row)?,
        key: row.get("key")?,
        settings: row.get("settings")?,
        minimum_level: crate::name::read(row, "minimum_level")?,
        timeout: read_timeout(row)?,
        enabled: row.get("enabled")?,
        health: Health {
            consecutive_failures: row.get("consecutive_failures")?,
            open_until: row.get("open_until")?,
            last_error: row.get("last_error")?,
            last_error_at: row.get("last_error_at")?,
            last_success_at: row.get("last_success_at")?,
            waiting: row.get("waiting")?,
            dead: row.get("dead")?,
        },
    })
}
