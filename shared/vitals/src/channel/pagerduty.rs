//! PagerDuty, by its Events API v2: an incident is triggered, updated and resolved by its key.
//!
//! Limits: key 255 characters, summary 1024, event 512 kB.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::card::{DASHBOARD, links, plain_facts, summary};
use super::destination::Destination;
use super::incident;
use super::message::Message;
use super::request::{Method, Request};
use super::untrusted::{Markup, Untrusted};
use crate::level::Level;
use crate::notification::{Event as News, Notification};

const LONGEST_KEY: usize = 255;
const LONGEST_SUMMARY: usize = 1024;
/// Of source and component, for which no limit is told.
const LONGEST_WORD: usize = 255;

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
    pub links: Vec<Link>,
    /// Who says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<&'static str>,
    /// Where they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_url: Option<String>,
}

/// What happened.
#[derive(Clone, Debug, Serialize)]
pub struct Payload<'a> {
    /// One sentence.
    pub summary: String,
    /// Where.
    pub source: String,
    /// How bad it is.
    pub severity: &'static str,
    /// When it was seen.
    pub timestamp: DateTime<Utc>,
    /// What of the source.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub component: String,
    /// Which kind of trouble.
    pub class: &'a str,
    /// Figures.
    pub custom_details: BTreeMap<&'static str, String>,
}

/// Where to go on.
#[derive(Clone, Debug, Serialize)]
pub struct Link {
    /// The address.
    pub href: String,
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
        let links: Vec<Link> = links(notification)
            .map(|(text, href)| Link { href, text })
            .collect();
        let dashboard = links.iter().find(|link| link.text == DASHBOARD);
        Self {
            routing_key,
            event_action: "trigger",
            dedup_key,
            payload: Some(Payload::new(notification)),
            client: Some("pgvitals"),
            client_url: dashboard.map(|link| link.href.clone()),
            links,
        }
    }
}

impl<'a> Payload<'a> {
    fn new(notification: &'a Notification) -> Self {
        Self {
            summary: summary(notification).written(Markup::Plain, LONGEST_SUMMARY),
            source: Untrusted::new(&notification.target).written(Markup::Plain, LONGEST_WORD),
            severity: severity(notification.level),
            timestamp: notification.at,
            component: Untrusted::new(&notification.subject_label).written(Markup::Plain, LONGEST_WORD),
            class: &notification.rule_id,
            custom_details: plain_facts(notification),
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
