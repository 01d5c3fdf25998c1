//! PagerDuty, by its Events API v2: an incident is triggered, updated and resolved by its key.
//!
//! Limits: key 255 characters, summary 1024, event 512 kB.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::card::facts;
use super::destination::Destination;
use super::incident;
use super::message::Message;
use super::request::{Method, Request};
use crate::level::Level;
use crate::notification::{Event as News, Notification};
use crate::text::truncate;

const LONGEST_KEY: usize = 255;
const LONGEST_SUMMARY: usize = 1024;

/// An event.
#[derive(Clone, Debug, Serialize)]
pub struct Event<'a> {
    /// Which service it is for.
    pub routing_key: &'a str,
    /// `trigger` or `resolve`.
    pub event_action: &'static str,
    /// Which incident it is about.
    pub dedup_key: String,
    /// What happened; only of what is triggered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<Payload<'a>>,
    /// Where to go on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link<'a>>,
    /// Who says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<&'static str>,
    /// Where they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_url: Option<&'a str>,
}

/// What happened.
#[derive(Clone, Debug, Serialize)]
pub struct Payload<'a> {
    /// One sentence.
    pub summary: String,
    /// Where.
    pub source: &'a str,
    /// How bad it is.
    pub severity: &'static str,
    /// When it was seen.
    pub timestamp: DateTime<Utc>,
    /// What of the source.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub component: &'a str,
    /// Which kind of trouble.
    pub class: &'a str,
    /// Figures.
    pub custom_details: BTreeMap<&'static str, String>,
}

/// Where to go on.
#[derive(Clone, Debug, Serialize)]
pub struct Link<'a> {
    /// The address.
    pub href: &'a str,
    /// What it is.
    pub text: &'static str,
}

/// The requests that tell a message, one for each of its news.
pub(super) fn requests(
    destination: &Destination,
    message: &Message<'_>,
) -> Result<Vec<Request>, serde_json::Error> {
    let address = destination.below("/v2/enqueue");
    let notifications = message.notifications.iter();
    notifications
        .map(|notification| {
            Request::json(
                Method::Post,
                address.clone(),
                &Event::new(destination.key(), notification),
            )
        })
        .collect()
}

impl<'a> Event<'a> {
    /// The event that tells a notification.
    pub fn new(routing_key: &'a str, notification: &'a Notification) -> Self {
        let dedup_key = incident::key(&notification.incident, LONGEST_KEY);
        if notification.event == News::Resolved {
            return Self {
                routing_key,
                event_action: "resolve",
                dedup_key,
                payload: None,
                links: Vec::new(),
                client: None,
                client_url: None,
            };
        }
        let links = [
            (&notification.dashboard_url, "Dashboard"),
            (&notification.runbook_url, "What to do"),
        ];
        let links = links
            .into_iter()
            .filter_map(|(url, text)| Some((url.as_deref()?, text)))
            .filter(|(url, _)| url.starts_with("http"));
        Self {
            routing_key,
            event_action: "trigger",
            dedup_key,
            payload: Some(Payload::new(notification)),
            links: links.map(|(href, text)| Link { href, text }).collect(),
            client: Some("pgvitals"),
            client_url: notification.dashboard_url.as_deref(),
        }
    }
}

impl<'a> Payload<'a> {
    fn new(notification: &'a Notification) -> Self {
        Self {
            summary: truncate(&notification.summary, LONGEST_SUMMARY),
            source: &notification.target,
            severity: severity(notification.level),
            timestamp: notification.at,
            component: &notification.subject_label,
            class: &notification.rule_id,
            custom_details: facts(notification).into_iter().collect(),
        }
    }
}

const fn severity(level: Level) -> &'static str {
    match level {
        Level::Warning => "warning",
        Level::Critical => "error",
        Level::Emergency => "critical",
    }
}
