//! The databases being watched, and who is collecting from which.

use std::time::Duration;

use chrono::{DateTime, Utc};
use db::{Client, DbError, Row};
use serde_json::Value as Json;

use crate::collectors::TargetKind;

/// A database being watched.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Its number.
    pub target_id: i32,
    /// Its name.
    pub name: String,
    /// Its address, without a password.
    pub address: String,
    /// The name of its password among the secrets.
    pub secret: String,
    /// Whether it is watched at present.
    pub enabled: bool,
    /// What else is to be said of it, as an object of texts.
    pub labels: Json,
    /// How often it is collected from.
    pub interval: Duration,
    /// How long its collection may take.
    pub timeout: Duration,
    /// What kind of target it is.
    pub kind: TargetKind,
}

/// A target as it is added.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTarget {
    /// Its name: lower case letters, digits, `_`, `.` and `-`.
    pub name: String,
    /// Its address: a `postgres://` URL without a password, which the table refuses.
    pub address: String,
    /// The name of its password among the secrets; `default` for the collector's own.
    pub secret: String,
    /// What else is to be said of it, as an object of texts.
    pub labels: Json,
    /// How often to collect from it.
    pub interval: Duration,
    /// How long its collection may take.
    pub timeout: Duration,
    /// What kind of target it is.
    pub kind: TargetKind,
}

impl NewTarget {
    /// A database with the password of the collector, every 15 seconds, for 10 seconds at most.
    pub fn new(name: impl Into<String>, address: impl Into<String>) -> NewTarget {
        NewTarget {
            name: name.into(),
            address: address.into(),
            secret: "default".to_owned(),
            labels: Json::Object(serde_json::Map::new()),
            interval: Duration::from_secs(15),
            timeout: Duration::from_secs(10),
            kind: TargetKind::Postgres,
        }
    }
}

/// A wish to collect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim<'a> {
    /// Who asks; unlike any other that may ask at the same time.
    pub holder: &'a str,
    /// How many targets at most.
    pub limit: i64,
    /// The longest that the one who asks spends with a target, whatever the target's timeout says.
    pub longest: Duration,
    /// After how long beyond a target's timeout another may have what was not given back.
    pub margin: Duration,
    /// Whether targets whose time has not come are left out.
    pub only_due: bool,
}

/// What became of a claimed target.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion<'a> {
    /// The target.
    pub target_id: i32,
    /// Who claimed it.
    pub holder: &'a str,
    /// What was found.
    pub state: State<'a>,
}

/// What a collection found of its target.
#[derive(Debug, Clone, PartialEq)]
pub enum State<'a> {
    /// It answered.
    Up {
        /// `server_version_num`, and of a PgBouncer the same of its version: 11800 is 1.18.0.
        server_version: i32,
        /// When the server was started, where that is known.
        server_started_at: Option<DateTime<Utc>>,
        /// Whether it is a replica, where it could be one.
        in_recovery: Option<bool>,
    },
    /// It did not.
    Down {
        /// The bounded code of the error.
        code: &'static str,
        /// The error.
        error: &'a str,
    },
}

/// Adds a target, or changes the one of that name. Gives its number.
///
/// # Errors
///
/// What the server or the connection said; a malformed row is refused by a constraint that names what is wrong.
pub async fn add(client: &impl Client, target: &NewTarget) -> Result<i32, DbError> {
    let parameters = [
        target.name.as_str().into(),
        target.address.as_str().into(),
        target.secret.as_str().into(),
        target.labels.clone().into(),
        whole(target.interval.as_secs()),
        whole(u64::try_from(target.timeout.as_millis()).unwrap_or(u64::MAX)),
        target.kind.as_str().into(),
    ];
    client
        .query(include_str!("../sql/targets/add.sql"), &parameters)
        .await?
        .one()?
        .get("target_id")
}

/// A number that the table will judge; too large a one stays too large.
fn whole(number: u64) -> db::Value {
    db::Value::Int(i32::try_from(number).unwrap_or(i32::MAX).into())
}

/// All targets, by name.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn list(client: &impl Client) -> Result<Vec<Target>, DbError> {
    client
        .query(include_str!("../sql/targets/list.sql"), &[])
        .await?
        .iter()
        .map(read_target)
        .collect()
}

/// Removes a target with its state and alerts. Gives whether there was one of that name.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn remove(client: &impl Client, name: &str) -> Result<bool, DbError> {
    Ok(client
        .execute(include_str!("../sql/targets/remove.sql"), &[name.into()])
        .await?
        == 1)
}

/// Switches a target on or off. Gives whether there is one of that name.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn set_enabled(client: &impl Client, name: &str, enabled: bool) -> Result<bool, DbError> {
    let parameters = [name.into(), enabled.into()];
    let rows = client
        .query(include_str!("../sql/targets/set_enabled.sql"), &parameters)
        .await?;
    Ok(rows.one()?.get::<i64>("switched")? == 1)
}

/// Claims targets whose time has come and that nobody else holds. Each is to be given back by [`complete`].
///
/// # Errors
///
/// What the server or the connection said.
pub async fn claim_due(client: &impl Client, claim: &Claim<'_>) -> Result<Vec<Target>, DbError> {
    let parameters = [
        claim.limit.into(),
        claim.margin.as_secs_f64().into(),
        claim.holder.into(),
        claim.only_due.into(),
        claim.longest.as_secs_f64().into(),
    ];
    let rows = client
        .query(include_str!("../sql/targets/claim_due.sql"), &parameters)
        .await?;
    rows.iter().map(read_target).collect()
}

/// Writes what became of a claimed target and gives it back. Gives `false`, and writes nothing, when the lease had run
/// out and another took it over.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn complete(client: &impl Client, completion: &Completion<'_>) -> Result<bool, DbError> {
    let (up, code, error, version, started_at, in_recovery) = match &completion.state {
        State::Up {
            server_version,
            server_started_at,
            in_recovery,
        } => (
            true,
            None,
            None,
            Some(*server_version),
            *server_started_at,
            *in_recovery,
        ),
        State::Down { code, error } => (false, Some(*code), Some(*error), None, None, None),
    };
    let parameters = [
        completion.target_id.into(),
        completion.holder.into(),
        up.into(),
        code.into(),
        error.into(),
        version.into(),
        started_at.into(),
        in_recovery.into(),
    ];
    Ok(client
        .execute(include_str!("../sql/targets/complete.sql"), &parameters)
        .await?
        == 1)
}

/// Begins to watch after a stop that was planned, so that servers that were stopped meanwhile are not told to have been
/// away.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn begin_watching(client: &impl Client) -> Result<(), DbError> {
    client
        .execute(include_str!("../sql/targets/begin_watching.sql"), &[])
        .await?;
    Ok(())
}

fn read_target(row: &Row) -> Result<Target, DbError> {
    let unsigned = |column: &str| {
        row.get::<i64>(column)
            .map(|number| u64::try_from(number).unwrap_or_default())
    };
    Ok(Target {
        target_id: row.get("target_id")?,
        name: row.get("name")?,
        address: row.get("address")?,
        secret: row.get("secret")?,
        enabled: row.get("enabled")?,
        labels: row.get("labels")?,
        interval: Duration::from_secs(unsigned("interval_seconds")?),
        timeout: Duration::from_millis(unsigned("timeout_ms")?),
        kind: read_kind(row)?,
    })
}

pub(crate) fn read_kind(row: &Row) -> Result<TargetKind, DbError> {
    let kind: String = row.get("kind")?;
    TargetKind::from_name(&kind).ok_or_else(|| DbError::decode(format!("there is no kind of target {kind}")))
}
