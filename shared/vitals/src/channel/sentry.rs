//! Sentry: an event in an envelope. Events of one incident have one fingerprint, which makes them one issue.
//!
//! What is sent to Sentry cannot resolve an issue there, so a recovery is an event of level `info` with the tag
//! `event=resolved`.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::card::{headline, links, plain_facts, summary};
use super::destination::Destination;
use super::message::Message;
use super::request::{Method, Request};
use super::untrusted::{Markup, Untrusted};
use crate::level::Level;
use crate::notification::{Event as News, Notification};

const LONGEST_MESSAGE: usize = 8192;
const LONGEST_TITLE: usize = 300;
const LONGEST_TAG: usize = 200;
const CLIENT: &str = concat!("pgvitals/", env!("CARGO_PKG_VERSION"));

/// Where a project takes its events: `https://KEY@HOST/PROJECT`.
#[derive(Clone, PartialEq, Eq)]
pub struct Dsn {
    scheme: String,
    key: String,
    host: String,
    path: String,
    project: String,
}

impl std::fmt::Debug for Dsn {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Dsn(***)")
    }
}

impl Dsn {
    /// Reads a DSN.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let (user, place) = rest.split_once('@')?;
        // Old ones have a second key that is not used any more.
        let key = user.split(':').next()?;
        let (place, project) = place.trim_end_matches('/').rsplit_once('/')?;
        let (host, path) = match place.split_once('/') {
            Some((host, path)) => (host, format!("/{path}")),
            None => (place, String::new()),
        };
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let is_right = ["http", "https"].contains(&scheme)
            && is_word(key)
            && is_word(project)
            && !host.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_graphic())
            && !place.contains(['?', '#', '@']);
        is_right.then(|| Self {
            scheme: scheme.to_owned(),
            key: key.to_owned(),
            host: host.to_owned(),
            path,
            project: project.to_owned(),
        })
    }

    /// Where envelopes go.
    pub fn envelope_address(&self) -> String {
        let Self {
            scheme,
            host,
            path,
            project,
            ..
        } = self;
        format!("{scheme}://{host}{path}/api/{project}/envelope/")
    }
}

#[derive(Clone, Debug, Serialize)]
struct EnvelopeHeader<'a> {
    event_id: &'a str,
    sent_at: String,
}

#[derive(Clone, Debug, Serialize)]
struct ItemHeader {
    #[serde(rename = "type")]
    kind: &'static str,
    content_type: &'static str,
    length: usize,
}

/// An event.
#[derive(Clone, Debug, Serialize)]
pub struct Event<'a> {
    /// The same on every attempt: Sentry takes it once.
    pub event_id: &'a str,
    /// When it was seen.
    pub timestamp: String,
    /// How bad it is.
    pub level: &'static str,
    /// Who says so.
    pub logger: &'static str,
    /// What the project is written in.
    pub platform: &'static str,
    /// What happened.
    pub message: Text,
    /// What makes events one issue.
    pub fingerprint: [&'a str; 2],
    /// Words to find it by.
    pub tags: BTreeMap<&'a str, String>,
    /// Figures.
    pub extra: BTreeMap<&'static str, String>,
    /// Where.
    pub server_name: String,
    /// In which environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<&'a str>,
}

/// A text.
#[derive(Clone, Debug, Serialize)]
pub struct Text {
    /// As people read it.
    pub formatted: String,
}

/// The requests that tell a message, one for each of its news.
pub(super) fn requests(
    destination: &Destination,
    message: &Message<'_>,
) -> Result<Vec<Request>, serde_json::Error> {
    let event_id = message.key.replace('-', "");
    let key = Dsn::parse(destination.key()).map(|dsn| dsn.key);
    let auth = format!(
        "Sentry sentry_version=7, sentry_client={CLIENT}, sentry_key={}",
        key.unwrap_or_default()
    );
    let environment = destination.settings().environment.as_deref();
    let notifications = message.notifications.iter();
    notifications
        .map(|notification| {
            let event = Event::new(&event_id, notification, environment);
            let envelope = envelope(&event, message.at)?;
            let content_type = "application/x-sentry-envelope";
            let request = Request::text(Method::Post, destination.address(), content_type, envelope);
            Ok(request.header("x-sentry-auth", auth.clone()))
        })
        .collect()
}

/// Three lines: the header of the envelope, the header of its only item, the item.
fn envelope(event: &Event<'_>, now: DateTime<Utc>) -> Result<String, serde_json::Error> {
    let item = serde_json::to_string(event)?;
    let header = serde_json::to_string(&EnvelopeHeader {
        event_id: event.event_id,
        sent_at: now.to_rfc3339_opts(SecondsFormat::Millis, true),
    })?;
    let item_header = serde_json::to_string(&ItemHeader {
        kind: "event",
        content_type: "application/json",
        length: item.len(),
    })?;
    Ok(format!("{header}\n{item_header}\n{item}\n"))
}

impl<'a> Event<'a> {
    fn new(event_id: &'a str, notification: &'a Notification, environment: Option<&'a str>) -> Self {
        let own = notification
            .labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let usual = [
            ("target", notification.target.as_str()),
            ("rule", &notification.rule_id),
            ("event", notification.event.as_str()),
            ("severity", notification.level.as_str()),
        ];
        let tags = own.chain(usual).filter(|(_, value)| !value.is_empty());
        let mut extra = plain_facts(notification);
        extra.extend(links(notification));
        let plain = |text: &str, limit| Untrusted::new(text).written(Markup::Plain, limit);
        let headline = headline(notification).written(Markup::Plain, LONGEST_TITLE);
        let summary = summary(notification).written(Markup::Plain, LONGEST_MESSAGE - LONGEST_TITLE - 1);
        Self {
            event_id,
            timestamp: notification.at.to_rfc3339_opts(SecondsFormat::Millis, true),
            level: level(notification),
            logger: "pgvitals",
            platform: "other",
            message: Text {
                formatted: format!("{headline} {summary}"),
            },
            fingerprint: ["pgvitals", &notification.incident],
            tags: tags
                .map(|(name, value)| (name, plain(value, LONGEST_TAG)))
                .collect(),
            extra,
            server_name: plain(&notification.target, LONGEST_TAG),
            environment,
        }
    }
}

const fn level(notification: &Notification) -> &'static str {
    match (notification.event, notification.level) {
        (News::Resolved, _) => "info",
        (_, Level::Warning) => "warning",
        (_, Level::Critical) => "error",
        (_, Level::Emergency) => "fatal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dsn_says_where_envelopes_go() {
        let address = |text| Dsn::parse(text).map(|dsn| dsn.envelope_address());
        let cases = [
            (
                "https://0abc@o42.ingest.de.sentry.io/7",
                "https://o42.ingest.de.sentry.io/api/7/envelope/",
            ),
            (
                "https://0abc:old@sentry.example.com:9000/below/7/",
                "https://sentry.example.com:9000/below/api/7/envelope/",
            ),
        ];
        for (dsn, expected) in cases {
            assert_eq!(address(dsn).as_deref(), Some(expected));
        }
        for nonsense in [
            "",
            "https://host/7",
            "https://key@host",
            "ftp://key@host/7",
            "https://k y@host/7",
            "https://key@/7",
            "https://key@host/7?x",
        ] {
            assert_eq!(address(nonsense), None, "{nonsense}");
        }
    }
}
