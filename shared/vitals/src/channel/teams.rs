//! Microsoft Teams: an adaptive card for the workflow "post to a channel when a webhook request is received".
//!
//! A message is at most 28 KB. All text stands in runs of text, which Teams shows as they are; in blocks of text and in
//! facts it reads Markdown. The connectors that came before workflows are switched off.

use serde::Serialize;

use super::card::{Card, Tone};
use super::destination::Destination;
use super::message::Message;
use super::request::{Method, Request};
use super::untrusted::{Markup, Untrusted};
use crate::level::Level;
use crate::notification::Notification;

const LONGEST_TITLE: usize = 300;
const LONGEST_TEXT: usize = 4000;
const LONGEST_FACT: usize = 500;
const LONGEST_ADDRESS: usize = 2000;

/// The body.
#[derive(Clone, Debug, Serialize)]
pub struct Body {
    #[serde(rename = "type")]
    kind: &'static str,
    /// The card.
    pub attachments: [Attachment; 1],
}

/// What is attached to the message.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    content_type: &'static str,
    content_url: Option<&'static str>,
    /// The card.
    pub content: AdaptiveCard,
}

/// An adaptive card.
#[derive(Clone, Debug, Serialize)]
pub struct AdaptiveCard {
    #[serde(rename = "$schema")]
    schema: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    version: &'static str,
    /// Its parts, from the top.
    pub body: Vec<Element>,
    /// Its buttons.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
    msteams: Width,
}

#[derive(Clone, Debug, Serialize)]
struct Width {
    width: &'static str,
}

/// A part of a card.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type")]
pub enum Element {
    /// A paragraph.
    RichTextBlock {
        /// What stands in it.
        inlines: Vec<TextRun>,
    },
}

/// A text that is shown as it is.
#[derive(Clone, Debug, Serialize)]
pub struct TextRun {
    #[serde(rename = "type")]
    kind: &'static str,
    /// The text.
    pub text: String,
    /// How large.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<&'static str>,
    /// How bold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<&'static str>,
    /// In what colour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<&'static str>,
    /// Whether it stands back.
    #[serde(rename = "isSubtle", skip_serializing_if = "Option::is_none")]
    pub is_subtle: Option<bool>,
}

/// A button.
#[derive(Clone, Debug, Serialize)]
pub struct Action {
    #[serde(rename = "type")]
    kind: &'static str,
    /// What stands on it.
    pub title: String,
    /// Where it leads.
    pub url: String,
}

/// The request that tells a message.
pub(super) fn request(
    destination: &Destination,
    message: &Message<'_>,
) -> Result<Request, serde_json::Error> {
    Request::json(
        Method::Post,
        destination.address(),
        &Body::new(message.notifications),
    )
}

impl Body {
    /// The message that tells news.
    pub fn new(notifications: &[Notification]) -> Self {
        let card = Card::new(notifications);
        let content = AdaptiveCard {
            schema: "http://adaptivecards.io/schemas/adaptive-card.json",
            kind: "AdaptiveCard",
            version: "1.2",
            body: elements(&card),
            actions: actions(&card),
            msteams: Width { width: "Full" },
        };
        Self {
            kind: "message",
            attachments: [Attachment {
                content_type: "application/vnd.microsoft.card.adaptive",
                content_url: None,
                content,
            }],
        }
    }
}

fn elements(card: &Card) -> Vec<Element> {
    let title = TextRun {
        size: Some("Medium"),
        weight: Some("Bolder"),
        color: Some(color(card.tone)),
        ..TextRun::plain(&card.title, LONGEST_TITLE)
    };
    let title = TextRun {
        text: format!("{} {}", card.tone.sign(), title.text),
        ..title
    };
    let footer = TextRun {
        size: Some("Small"),
        is_subtle: Some(true),
        ..TextRun::plain(&card.footer, LONGEST_FACT)
    };
    // A run of text is one paragraph; each line of a storm is one.
    let lines = card.lines.iter().map(|line| TextRun::plain(line, LONGEST_TEXT));
    let facts = card.facts.iter().map(|(name, fact)| {
        let name = TextRun {
            weight: Some("Bolder"),
            ..TextRun::ours(format!("{name}: "))
        };
        vec![name, TextRun::plain(fact, LONGEST_FACT)]
    });
    std::iter::once(vec![title])
        .chain(lines.map(|line| vec![line]))
        .chain(facts)
        .chain([vec![footer]])
        .map(|inlines| Element::RichTextBlock { inlines })
        .collect()
}

impl TextRun {
    /// No mark means anything in a run of text.
    fn plain(text: &Untrusted, limit: usize) -> Self {
        Self::ours(text.written(Markup::Plain, limit))
    }

    fn ours(text: String) -> Self {
        Self {
            kind: "TextRun",
            text,
            size: None,
            weight: None,
            color: None,
            is_subtle: None,
        }
    }
}

fn actions(card: &Card) -> Vec<Action> {
    let links = card.links.iter();
    // A cut address leads nowhere, so one that is too long is left out.
    links
        .filter(|(_, url)| url.chars().count() <= LONGEST_ADDRESS)
        .map(|(label, url)| Action {
            kind: "Action.OpenUrl",
            title: (*label).to_owned(),
            url: url.clone(),
        })
        .collect()
}

const fn color(tone: Tone) -> &'static str {
    match tone {
        Tone::Resolved => "Good",
        Tone::Alarming(Level::Warning) => "Warning",
        Tone::Alarming(Level::Critical | Level::Emergency) => "Attention",
    }
}
