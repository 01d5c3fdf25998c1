//! A Prometheus Alertmanager, by its API v2.
//!
//! An alert is its labels: the level is one of them, because routes are made by it, so a change of the level ends one alert
//! and begins another. An alert ends by itself at its `endsAt`, a few minutes ahead: it is sent again every minute while it
//! fires ([`KEEP_ALIVE`]), and if nothing comes any more the Alertmanager forgets it, as it does with Prometheus.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::card::{DASHBOARD, facts, is_address, links, summary};
use super::destination::Destination;
use super::message::Message;
use super::request::{Method, Request};
use super::untrusted::{Markup, Untrusted};
use crate::level::Level;
use crate::notification::{Event, Notification};
use crate::text::visible;

/// How often an alert that fires is sent again.
pub const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// How long the Alertmanager takes an alert for firing after it was last sent: four lost messages are no recovery. It is
/// the usual `resolve_timeout`.
const LASTS: TimeDelta = TimeDelta::minutes(5);

/// The longest annotation, in characters.
const LONGEST_ANNOTATION: usize = 8_000;

/// An alert.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert<'a> {
    /// What makes it this alert.
    pub labels: BTreeMap<String, Cow<'a, str>>,
    /// What people read.
    pub annotations: BTreeMap<&'static str, String>,
    /// Since when.
    pub starts_at: DateTime<Utc>,
    /// Until when, as far as is known.
    pub ends_at: DateTime<Utc>,
    /// Where to look.
    #[serde(rename = "generatorURL", skip_serializing_if = "Option::is_none")]
    pub generator_url: Option<String>,
}

/// The request that tells a message.
pub(super) fn request(
    destination: &Destination,
    message: &Message<'_>,
) -> Result<Request, serde_json::Error> {
    let alerts: Vec<Alert<'_>> = message
        .notifications
        .iter()
        .flat_map(|notification| alerts(notification, message.at))
        .collect();
    let request = Request::json(Method::Post, destination.below("/api/v2/alerts"), &alerts)?;
    Ok(match destination.authorization() {
        Some(authorization) => request.header("authorization", authorization),
        None => request,
    })
}

/// The alert, and the one of the level before, which is over.
fn alerts(notification: &Notification, now: DateTime<Utc>) -> impl Iterator<Item = Alert<'_>> {
    let ends_at = match notification.event {
        Event::Resolved => notification.at,
        _ => now + LASTS,
    };
    let left = notification
        .previous_level
        .filter(|level| *level != notification.level);
    let left = left.map(|level| Alert::new(notification, level, notification.at));
    left.into_iter()
        .chain([Alert::new(notification, notification.level, ends_at)])
}

impl<'a> Alert<'a> {
    fn new(notification: &'a Notification, level: Level, ends_at: DateTime<Utc>) -> Self {
        let own = notification
            .labels
            .iter()
            .map(|(name, value)| (label_name(name), value.as_str()));
        let usual = [
            ("alertname", notification.rule_id.as_str()),
            ("severity", level.as_str()),
            ("instance", &notification.target),
            ("target", &notification.target),
            ("subject", &notification.subject),
        ];
        let usual = usual.map(|(name, value)| (name.to_owned(), value));
        // An empty label is none. The others are told apart and matched by, so only what is invisible is changed.
        let labels = own.chain(usual).filter(|(_, value)| !value.is_empty());
        Self {
            labels: labels.map(|(name, value)| (name, visible(value))).collect(),
            annotations: annotations(notification),
            starts_at: notification.since,
            // The Alertmanager refuses an alert that ends before it starts.
            ends_at: ends_at.max(notification.since),
            generator_url: links(notification)
                .find(|(label, _)| *label == DASHBOARD)
                .map(|(_, url)| url),
        }
    }
}

fn annotations(notification: &Notification) -> BTreeMap<&'static str, String> {
    let plain = |text: &Untrusted| text.written(Markup::Plain, LONGEST_ANNOTATION);
    let mut annotations: BTreeMap<_, _> = [("summary", plain(&summary(notification)))].into();
    let advice = notification.advice.as_deref().map(Untrusted::new);
    annotations.extend(advice.map(|advice| ("description", plain(&advice))));
    let runbook = notification.runbook_url.as_deref();
    let runbook = runbook.map(|path| match is_address(path) {
        true => path.to_owned(),
        false => plain(&Untrusted::new(path)),
    });
    annotations.extend(runbook.map(|path| ("runbook_url", path)));
    let figures: Vec<String> = facts(notification)
        .iter()
        .filter(|(name, _)| ["Value", "Threshold", "Since", "Trend"].contains(name))
        .map(|(name, fact)| format!("{name}: {}", plain(fact)))
        .collect();
    annotations.insert("figures", figures.join("; "));
    annotations
}

/// A name as the Alertmanager takes it: letters, digits and `_`, no digit first.
fn label_name(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|character| match character.is_ascii_alphanumeric() {
            true => character,
            false => '_',
        })
        .collect();
    match plain.starts_with(|character: char| character.is_ascii_digit()) || plain.is_empty() {
        true => format!("_{plain}"),
        false => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_a_name_that_is_taken() {
        for (name, expected) in [
            ("team", "team"),
            ("cost-center", "cost_center"),
            ("1st", "_1st"),
            ("", "_"),
        ] {
            assert_eq!(label_name(name), expected);
        }
    }
}
