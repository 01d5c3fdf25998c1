//! The generic JSON webhook: the body of [Standard Webhooks](https://www.standardwebhooks.com) 1.0.0.
//!
//! `{"type": "alert.firing", "timestamp": "…", "data": {…}}`, at most 20 kB. The idempotency key goes into the header
//! `webhook-id` and is the same on every retry.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::notification::{Event, Notification};

/// The header that carries the idempotency key.
pub const ID_HEADER: &str = "webhook-id";

/// The header that carries the time of the attempt, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";

/// The body.
#[derive(Clone, Debug, Serialize)]
pub struct Body<'a> {
    /// What kind of news it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// When it was seen.
    pub timestamp: DateTime<Utc>,
    /// The news.
    pub data: &'a Notification,
}

/// What kind of news it is, in the words of the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Kind {
    /// An alert began.
    #[serde(rename = "alert.firing")]
    Firing,
    /// It got worse, or better.
    #[serde(rename = "alert.level_changed")]
    LevelChanged,
    /// It is over.
    #[serde(rename = "alert.resolved")]
    Resolved,
    /// It still fires, and was not taken up.
    #[serde(rename = "alert.escalated")]
    Escalated,
    /// It still fires.
    #[serde(rename = "alert.reminder")]
    Reminder,
    /// Something was done about it automatically.
    #[serde(rename = "alert.response")]
    Response,
}

impl<'a> Body<'a> {
    /// The body that tells a notification.
    pub fn new(notification: &'a Notification) -> Self {
        let kind = match notification.event {
            Event::Firing => Kind::Firing,
            Event::Level => Kind::LevelChanged,
            Event::Resolved => Kind::Resolved,
            Event::Escalated => Kind::Escalated,
            Event::Reminder => Kind::Reminder,
            Event::Response => Kind::Response,
        };
        Self {
            kind,
            timestamp: notification.at,
            data: notification,
        }
    }
}
