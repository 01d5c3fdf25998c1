//! Silences: alerts that nobody is to be told of for a while.

use std::time::Duration;

use chrono::{DateTime, Utc};
use db::{Client, DbError, Row};
use serde::Serialize;
use vitals::matcher::{Matcher, Matchers};
use vitals::quiet::Silence;

use crate::fault::Fault;

/// A silence as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredSilence {
    /// Its number.
    pub silence_id: i64,
    /// Which alerts.
    pub matchers: Vec<Matcher>,
    /// From when on.
    pub starts_at: DateTime<Utc>,
    /// Until when.
    pub ends_at: DateTime<Utc>,
    /// Why.
    pub reason: String,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Whether it has begun.
    pub is_active: bool,
}

/// A silence as it is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSilence {
    /// Which alerts.
    pub matchers: Vec<Matcher>,
    /// In how long it starts.
    pub starts_in: Duration,
    /// How long it lasts.
    pub lasts: Duration,
    /// Why.
    pub reason: String,
    /// Who makes it.
    pub created_by: String,
}

/// The silences that are not over, the next to end first.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn list(client: &impl Client) -> Result<Vec<StoredSilence>, DbError> {
    client
        .query(include_str!("../sql/silences/list.sql"), &[])
        .await?
        .iter()
        .map(read_silence)
        .collect()
}

/// The silences that are not over, ready to be asked, and those that cannot be used.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn usable(client: &impl Client) -> Result<(Vec<Silence>, Vec<Fault>), DbError> {
    let (mut silences, mut faults) = (Vec::new(), Vec::new());
    for silence in list(client).await? {
        match Matchers::new(&silence.matchers) {
            Ok(matchers) => silences.push(Silence {
                silence_id: silence.silence_id,
                matchers,
                starts_at: silence.starts_at,
                ends_at: silence.ends_at,
            }),
            Err(error) => faults.push(Fault::new(format!("silence {}", silence.silence_id), &error)),
        }
    }
    Ok((silences, faults))
}

/// Adds a silence. Gives its number and when it ends.
///
/// # Errors
///
/// What the server or the connection said; a malformed row is refused by a constraint that names what is wrong.
pub async fn add(client: &impl Client, silence: &NewSilence) -> Result<(i64, DateTime<Utc>), DbError> {
    let parameters = [
        crate::json::encode(&silence.matchers)?.into(),
        silence.starts_in.as_secs_f64().into(),
        silence.lasts.as_secs_f64().into(),
        silence.reason.as_str().into(),
        silence.created_by.as_str().into(),
    ];
    let rows = client
        .query(include_str!("../sql/silences/add.sql"), &parameters)
        .await?;
    let row = rows.one()?;
    Ok((row.get("silence_id")?, row.get("ends_at")?))
}

/// Ends a silence. Gives whether there was one of that number that was not over.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn remove(client: &impl Client, silence_id: i64) -> Result<bool, DbError> {
    let removed: i64 = client
        .query(include_str!("../sql/silences/remove.sql"), &[silence_id.into()])
        .await?
        .one()?
        .get("removed")?;
    Ok(removed == 1)
}

fn read_silence(row: &Row) -> Result<StoredSilence, DbError> {
    Ok(StoredSilence {
        silence_id: row.get("silence_id")?,
        matchers: crate::json::decode("matchers", row.get("matchers")?)?,
        starts_at: row.get("starts_at")?,
        ends_at: row.get("ends_at")?,
        reason: row.get("reason")?,
        created_by: row.get("created_by")?,
        created_at: row.get("created_at")?,
        is_active: row.get("is_active")?,
    })
}
