//! ntfy: a notification on telephones that listen to a topic, [published as JSON](https://docs.ntfy.sh/publish/).
//!
//! A message of more than 4096 bytes would become a file.

use serde::Serialize;

use super::card::{Card, Tone};
use super::destination::Destination;
use super::message::Message;
use super::request::{Method, Request};
use super::untrusted::{Markup, Untrusted};
use crate::level::Level;
use crate::text::truncate_bytes;

const LONGEST_TITLE: usize = 250;
const LONGEST_MESSAGE_BYTES: usize = 4_096;

/// The body.
#[derive(Clone, Debug, Serialize)]
pub struct Body<'a> {
    /// The topic.
    pub topic: &'a str,
    /// One line.
    pub title: String,
    /// What happened.
    pub message: String,
    /// A sign, by its name.
    pub tags: [&'static str; 1],
    /// How urgent, from 1 to 5.
    pub priority: u8,
    /// Where a touch leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub click: Option<String>,
    /// Buttons.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
}

/// A button.
#[derive(Clone, Debug, Serialize)]
pub struct Action {
    action: &'static str,
    /// What stands on it.
    pub label: &'static str,
    /// Where it leads.
    pub url: String,
}

/// The request that tells a message. The topic stands in the body, so the address is that of the server.
pub(super) fn request(
    destination: &Destination,
    message: &Message<'_>,
) -> Result<Request, serde_json::Error> {
    let card = Card::new(message.notifications);
    let (tag, priority) = urgency(card.tone);
    let fact = |(name, fact): &(&'static str, Untrusted)| {
        format!(
            "{name}: {}",
            fact.written(Markup::Linkified, LONGEST_MESSAGE_BYTES)
        )
    };
    let text: Vec<String> = std::iter::once(card.text(Markup::Linkified, LONGEST_MESSAGE_BYTES))
        .chain(card.facts.iter().map(fact))
        .collect();
    let body = Body {
        topic: destination.settings().topic.as_deref().unwrap_or_default(),
        title: card.title.written(Markup::Linkified, LONGEST_TITLE),
        message: truncate_bytes(&text.join("\n"), LONGEST_MESSAGE_BYTES),
        tags: [tag],
        priority,
        click: card.links.first().map(|(_, url)| url.clone()),
        actions: card
            .links
            .iter()
            .map(|(label, url)| Action {
                action: "view",
                label,
                url: url.clone(),
            })
            .collect(),
    };
    let request = Request::json(Method::Post, destination.below("/"), &body)?;
    Ok(match destination.authorization() {
        Some(authorization) => request.header("authorization", authorization),
        None => request,
    })
}

const fn urgency(tone: Tone) -> (&'static str, u8) {
    match tone {
        Tone::Resolved => ("green_circle", 3),
        Tone::Alarming(Level::Warning) => ("yellow_circle", 3),
        Tone::Alarming(Level::Critical) => ("red_circle", 4),
        Tone::Alarming(Level::Emergency) => ("rotating_light", 5),
    }
}
