//! What a channel is to be told.

use chrono::{DateTime, Utc};

use crate::notification::Notification;

/// What a channel is to be told at once: one notification, or, where people read it, a storm of them.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The idempotency key: the same on every attempt, a UUID.
    pub key: &'a str,
    /// When this attempt is made.
    pub at: DateTime<Utc>,
    /// The news, oldest first.
    pub notifications: &'a [Notification],
    /// What the receiver called what it made of an earlier message about the same alert: the number of an issue, of a
    /// message in a chat.
    pub reference: Option<&'a str>,
}
