//! Opsgenie: an alert is created, changed and closed by its alias.
//!
//! Limits: message 130 characters, alias 512, description 15000, note 25000. A second alert with the same alias is counted
//! but changes nothing, so what follows is told by a note, and by the priority. Message and description may be HTML.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::card::{headline, plain_facts, summary};
use super::destination::Destination;
use super::incident;
use super::message::Message;
use super::request::{Method, Request};
use super::untrusted::{Markup, Untrusted};
use crate::level::Level;
use crate::notification::{Event, Notification};

const LONGEST_MESSAGE: usize = 130;
const LONGEST_ALIAS: usize = 512;
const LONGEST_DESCRIPTION: usize = 15_000;
const LONGEST_ENTITY: usize = 512;

const SOURCE: &str = "pgvitals";

/// A new alert.
#[derive(Clone, Debug, Serialize)]
pub struct Alert<'a> {
    /// One line.
    pub message: String,
    /// Which incident it is.
    pub alias: String,
    /// What happened.
    pub description: String,
    /// Who is to be told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub responders: Vec<Responder<'a>>,
    /// Words to find it by.
    pub tags: Vec<&'a str>,
    /// Figures.
    pub details: BTreeMap<&'static str, String>,
    /// What it is about.
    pub entity: String,
    /// Who says so.
    pub source: &'static str,
    /// How bad it is, from `P1` to `P5`.
    pub priority: &'static str,
}

/// Who is to be told.
#[derive(Clone, Debug, Serialize)]
pub struct Responder<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    /// The team.
    pub name: &'a str,
}

/// How bad an alert is now.
#[derive(Clone, Debug, Serialize)]
pub struct Priority {
    /// From `P1` to `P5`.
    pub priority: &'static str,
}

/// What is added to an alert.
#[derive(Clone, Debug, Serialize)]
pub struct Note {
    /// Who says so.
    pub source: &'static str,
    /// What happened.
    pub note: String,
}

/// The requests that tell a message.
pub(super) fn requests(
    destination: &Destination,
    message: &Message<'_>,
) -> Result<Vec<Request>, serde_json::Error> {
    let mut requests = Vec::new();
    for notification in message.notifications {
        requests.extend(requests_of(destination, notification)?);
    }
    let authorization = format!("GenieKey {}", destination.key());
    let signed = requests
        .into_iter()
        .map(|request| request.header("authorization", authorization.clone()));
    Ok(signed.collect())
}

fn requests_of(
    destination: &Destination,
    notification: &Notification,
) -> Result<Vec<Request>, serde_json::Error> {
    let alerts = destination.below("/v2/alerts");
    let alias = incident::key(&notification.incident, LONGEST_ALIAS);
    let escaped = utf8_percent_encode(&alias, NON_ALPHANUMERIC);
    let of_alert = |what: &str| format!("{alerts}/{escaped}/{what}?identifierType=alias");
    let note = Note {
        source: SOURCE,
        note: summary(notification).written(Markup::Plain, LONGEST_DESCRIPTION),
    };
    Ok(match notification.event {
        Event::Firing => {
            let team = destination.settings().team.as_deref();
            let alert = Alert::new(alias.clone(), notification, team);
            vec![Request::json(Method::Post, alerts, &alert)?]
        }
        Event::Resolved => vec![Request::json(Method::Post, of_alert("close"), &note)?],
        Event::Level | Event::Escalated | Event::Reminder | Event::Response => {
            let priority = Priority {
                priority: priority(notification.level),
            };
            vec![
                Request::json(Method::Put, of_alert("priority"), &priority)?,
                Request::json(Method::Post, of_alert("notes"), &note)?,
            ]
        }
    })
}

impl<'a> Alert<'a> {
    fn new(alias: String, notification: &'a Notification, team: Option<&'a str>) -> Self {
        Self {
            message: headline(notification).written(Markup::Plain, LONGEST_MESSAGE),
            alias,
            description: summary(notification).written(Markup::Plain, LONGEST_DESCRIPTION),
            responders: team
                .map(|name| Responder { kind: "team", name })
                .into_iter()
                .collect(),
            tags: vec![SOURCE, &notification.rule_id, notification.level.as_str()],
            details: plain_facts(notification),
            entity: Untrusted::new(&notification.target).written(Markup::Plain, LONGEST_ENTITY),
            source: SOURCE,
            priority: priority(notification.level),
        }
    }
}

const fn priority(level: Level) -> &'static str {
    match level {
        Level::Warning => "P3",
        Level::Critical => "P2",
        Level::Emergency => "P1",
    }
}
