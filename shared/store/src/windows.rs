//! Maintenance windows: times that come again, in which nobody is told of some alerts.

use chrono::{DateTime, Utc};
use db::{Client, DbError, Row};
use serde::Serialize;
use vitals::matcher::{Matcher, Matchers};
use vitals::quiet::Window;

use crate::fault::Fault;

/// A maintenance window as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredWindow {
    /// Its name.
    pub name: String,
    /// Which alerts.
    pub matchers: Vec<Matcher>,
    /// When it begins: minute, hour, day, month, weekday.
    pub schedule: String,
    /// On the clocks of which time zone.
    pub time_zone: String,
    /// How long it lasts.
    pub duration_seconds: i64,
    /// Why.
    pub reason: String,
    /// Whether it is switched on.
    pub enabled: bool,
    /// The time on the clocks of its time zone, as if they were set to UTC.
    #[serde(skip)]
    pub local_now: DateTime<Utc>,
}

/// A maintenance window as it is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWindow {
    /// Its name.
    pub name: String,
    /// Which alerts.
    pub matchers: Vec<Matcher>,
    /// When it begins.
    pub schedule: String,
    /// On the clocks of which time zone.
    pub time_zone: String,
    /// How long it lasts.
    pub duration_seconds: i64,
    /// Why.
    pub reason: String,
}

impl StoredWindow {
    /// The window, ready to be asked.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn usable(&self) -> Result<Window, Fault> {
        let fault =
            |error: &dyn std::error::Error| Fault::new(format!("maintenance window {}", self.name), error);
        let matchers = Matchers::new(&self.matchers).map_err(|error| fault(&error))?;
        Window::new(
            self.name.clone(),
            matchers,
            &self.schedule,
            self.duration_seconds,
            self.local_now.naive_utc(),
        )
        .map_err(|error| fault(&error))
    }
}

/// All maintenance windows, by name.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn all(client: &impl Client) -> Result<Vec<StoredWindow>, DbError> {
    client
        .query(include_str!("../sql/windows/all.sql"), &[])
        .await?
        .iter()
        .map(read_window)
        .collect()
}

/// The maintenance windows that are open now, and those that cannot be used.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn open(client: &impl Client) -> Result<(Vec<Window>, Vec<Fault>), DbError> {
    let (mut windows, mut faults) = (Vec::new(), Vec::new());
    for window in all(client).await?.iter().filter(|window| window.enabled) {
        match window.usable() {
            Ok(window) if window.is_open() => windows.push(window),
            Ok(_) => {}
            Err(fault) => faults.push(fault),
        }
    }
    Ok((windows, faults))
}

/// Adds a maintenance window, or changes the one of that name.
///
/// # Errors
///
/// What the server or the connection said; a malformed row is refused by a constraint that names what is wrong.
pub async fn add(client: &impl Client, window: &NewWindow) -> Result<(), DbError> {
    let parameters = [
        window.name.as_str().into(),
        crate::json::encode(&window.matchers)?.into(),
        window.schedule.as_str().into(),
        window.time_zone.as_str().into(),
        window.duration_seconds.into(),
        window.reason.as_str().into(),
    ];
    client
        .execute(include_str!("../sql/windows/add.sql"), &parameters)
        .await
        .map(|_| ())
}

/// Removes a maintenance window. Gives whether there was one of that name.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn remove(client: &impl Client, name: &str) -> Result<bool, DbError> {
    Ok(client
        .execute(include_str!("../sql/windows/remove.sql"), &[name.into()])
        .await?
        == 1)
}

/// Switches a maintenance window on or off. Gives whether there is one of that name.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn set_enabled(client: &impl Client, name: &str, enabled: bool) -> Result<bool, DbError> {
    let parameters = [name.into(), enabled.into()];
    Ok(client
        .execute(include_str!("../sql/windows/set_enabled.sql"), &parameters)
        .await?
        == 1)
}

fn read_window(row: &Row) -> Result<StoredWindow, DbError> {
    Ok(StoredWindow {
        name: row.get("name")?,
        matchers: crate::json::decode("matchers", row.get("matchers")?)?,
        schedule: row.get("schedule")?,
        time_zone: row.get("time_zone")?,
        duration_seconds: row.get("duration_seconds")?,
        reason: row.get("reason")?,
        enabled: row.get("enabled")?,
        local_now: row.get("local_now")?,
    })
}
