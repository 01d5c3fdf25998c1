//! What a mail says, before it takes the form of a service that sends mails.

use super::card::Card;
use super::incident;
use super::message::Message;
use super::untrusted::Markup;

const LONGEST_SUBJECT: usize = 200;

/// The header by which mail programs put mails into one thread.
pub(super) const THREAD_HEADER: &str = "References";

/// A mail.
#[derive(Clone, Debug)]
pub(super) struct Mail {
    pub(super) subject: String,
    pub(super) text: String,
    /// What the mails of one alert have in common: the id of a mail that was never sent.
    pub(super) thread: Option<String>,
}

impl Mail {
    /// The mail that tells a message.
    pub(super) fn new(message: &Message<'_>) -> Self {
        let card = Card::new(message.notifications);
        let thread = match message.notifications {
            [one] => {
                let hash = incident::short_hash(&one.incident);
                let alert = one.alert_id.unwrap_or_default();
                Some(format!("<{hash}.{alert}@pgvitals.invalid>"))
            }
            _ => None,
        };
        Self {
            // It has no line break, which would end the header.
            subject: card.title.written(Markup::Linkified, LONGEST_SUBJECT),
            text: card.plain_text(),
            thread,
        }
    }
}
