//! Routes: which channels are told of which alerts.

use std::time::Duration;

use db::{Client, DbError, Row};
use serde::{Deserialize, Serialize};
use vitals::matcher::{Matcher, Matchers};
use vitals::route::{Channel, Route, RouteStep, Routing};

use crate::fault::Fault;
use crate::name;

/// A route as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredRoute {
    /// Its number.
    pub route_id: i32,
    /// Its name.
    pub name: String,
    /// Its place among the routes, the least first.
    pub position: i32,
    /// Which alerts it is for.
    pub matchers: Vec<Matcher>,
    /// Whether the routes after it are looked at too.
    #[serde(rename = "continue")]
    pub continues: bool,
    /// After how long those who were told are told again.
    pub reminder_seconds: Option<i64>,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Whom it leads to, in order.
    pub steps: Vec<StoredStep>,
}

/// A step of a route as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredStep {
    /// Its number, from 1.
    pub step: i32,
    /// After how long without an acknowledgement.
    pub after_seconds: i64,
    /// The number of the channel.
    pub channel_id: i32,
    /// The name of the channel.
    pub channel: String,
}

/// A route as it is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRoute {
    /// Its name.
    pub name: String,
    /// Which alerts it is for.
    pub matchers: Vec<Matcher>,
    /// Whether the routes after it are looked at too.
    pub continues: bool,
    /// After how long those who were told are told again.
    pub reminder: Option<Duration>,
    /// Its place; the last if it is new and none is given.
    pub position: Option<i32>,
    /// Whom it leads to.
    pub steps: Vec<NewStep>,
}

/// A step of a route as it is added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewStep {
    /// Its number, from 1.
    pub step: i32,
    /// After how long without an acknowledgement.
    pub after_seconds: i64,
    /// The name of the channel.
    pub channel: String,
}

/// All routes, in order.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn all(client: &impl Client) -> Result<Vec<StoredRoute>, DbError> {
    client
        .query(include_str!("../sql/routes/all.sql"), &[])
        .await?
        .iter()
        .map(read_route)
        .collect()
}

/// Who can be told at present: the routes and the channels that are switched on, and the routes that cannot be used.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn routing(client: &impl Client) -> Result<(Routing, Vec<Fault>), DbError> {
    let mut routing = Routing::default();
    let mut faults = Vec::new();
    for route in all(client).await?.into_iter().filter(|route| route.enabled) {
        match Matchers::new(&route.matchers) {
            Ok(matchers) => routing.routes.push(usable(route, matchers)),
            Err(error) => faults.push(Fault::new(format!("route {}", route.name), &error)),
        }
    }
    for row in &client
        .query(include_str!("../sql/routes/channels.sql"), &[])
        .await?
    {
        let channel = Channel {
            minimum_level: name::read(row, "minimum_level")?,
            is_failing: row.get("is_failing")?,
        };
        routing.channels.insert(row.get("channel_id")?, channel);
    }
    Ok((routing, faults))
}

/// Adds a route, or changes the one of that name. Gives the names of channels that there are not; nothing is written then.
///
/// # Errors
///
/// What the server or the connection said; a malformed row is refused by a constraint that names what is wrong.
pub async fn add(client: &impl Client, route: &NewRoute) -> Result<Vec<String>, DbError> {
    let reminder = route
        .reminder
        .map(|reminder| i64::try_from(reminder.as_secs()).unwrap_or(i64::MAX));
    let parameters = [
        route.name.as_str().into(),
        crate::json::encode(&route.matchers)?.into(),
        route.continues.into(),
        reminder.into(),
        route.position.into(),
        crate::json::encode(&route.steps)?.into(),
    ];
    client
        .query(include_str!("../sql/routes/add.sql"), &parameters)
        .await?
        .one()?
        .get("unknown")
}

/// Removes a route. Gives whether there was one of that name.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn remove(client: &impl Client, name: &str) -> Result<bool, DbError> {
    Ok(client
        .execute(include_str!("../sql/routes/remove.sql"), &[name.into()])
        .await?
        == 1)
}

/// Switches a route on or off. Gives whether there is one of that name.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn set_enabled(client: &impl Client, name: &str, enabled: bool) -> Result<bool, DbError> {
    let parameters = [name.into(), enabled.into()];
    Ok(client
        .execute(include_str!("../sql/routes/set_enabled.sql"), &parameters)
        .await?
        == 1)
}

fn usable(route: StoredRoute, matchers: Matchers) -> Route {
    let seconds = |seconds: i64| Duration::from_secs(seconds.unsigned_abs());
    Route {
        name: route.name,
        matchers,
        continues: route.continues,
        steps: route
            .steps
            .iter()
            .map(|member| RouteStep {
                step: member.step,
                after: seconds(member.after_seconds),
                channel_id: member.channel_id,
            })
            .collect(),
        reminder: route.reminder_seconds.map(seconds),
    }
}

fn read_route(row: &Row) -> Result<StoredRoute, DbError> {
    Ok(StoredRoute {
        route_id: row.get("route_id")?,
        name: row.get("name")?,
        position: row.get("position")?,
        matchers: crate::json::decode("matchers", row.get("matchers")?)?,
        continues: row.get("continue")?,
        reminder_seconds: row.get("reminder_seconds")?,
        enabled: row.get("enabled")?,
        steps: crate::json::decode("steps", row.get("steps")?)?,
    })
}
