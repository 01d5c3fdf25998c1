//! How receivers want to be told: one module per kind, each with a typed payload.

pub mod slack;
pub mod webhook;

use crate::name::names;
use crate::notification::Notification;

names! {
    /// The kind of a receiver.
    "channel kind" pub enum Kind {
        /// Any program that takes JSON, in the shape of Standard Webhooks.
        Webhook = "webhook",
        /// A Slack incoming webhook, or what understands its format (Mattermost, Rocket.Chat).
        Slack = "slack",
    }
}

impl Kind {
    /// The body to send, as JSON.
    ///
    /// # Errors
    ///
    /// None that is known of: the payloads are made of text and finite numbers.
    pub fn body(self, notification: &Notification) -> Result<String, serde_json::Error> {
        match self {
            Self::Webhook => serde_json::to_string(&webhook::Body::new(notification)),
            Self::Slack => serde_json::to_string(&slack::Body::new(notification)),
        }
    }
}

#[cfg(test)]
mod tests;
