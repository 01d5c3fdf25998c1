//! Slack incoming webhooks: a text for those who see no blocks, and blocks (Block Kit) for those who do.
//!
//! Limits (Slack's reference of blocks): header 150 characters, section text 3000, field text 2000, button address 3000.
//! The characters `&`, `<` and `>` are written as entities in `mrkdwn`; a header is plain text and takes them as they
//! are. An incoming webhook cannot change an earlier message, so a recovery is a message of its own.

use serde::Serialize;

use super::card::Card;
use super::destination::Destination;
use super::message::Message;
use super::request::{Method, Request};
use crate::notification::Notification;
use crate::text::truncate;

const LONGEST_HEADER: usize = 150;
const LONGEST_SECTION: usize = 3000;
const LONGEST_FIELD: usize = 2000;
const LONGEST_ADDRESS: usize = 3000;
const MOST_FIELDS: usize = 10;

/// The body.
#[derive(Clone, Debug, Serialize)]
pub struct Body {
    /// What notifications on a telephone and readers of screens get.
    pub text: String,
    /// What everybody else sees.
    pub blocks: Vec<Block>,
}

/// A part of the message.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Block {
    /// A line in large type.
    Header {
        /// The line.
        text: Text,
    },
    /// A paragraph, with facts in two columns below it. Slack wants one of them at least.
    Section {
        /// The paragraph.
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<Text>,
        /// The facts, ten at most.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        fields: Vec<Text>,
    },
    /// A row of buttons.
    Actions {
        /// The buttons.
        elements: Vec<Button>,
    },
    /// A line in small type.
    Context {
        /// Its parts.
        elements: Vec<Text>,
    },
}

/// A text and how it is to be read.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", content = "text", rename_all = "snake_case")]
pub enum Text {
    /// As it is.
    PlainText(String),
    /// With Slack's marks: `*bold*`, `` `code` ``, entities.
    Mrkdwn(String),
}

/// A button that leads somewhere.
#[derive(Clone, Debug, Serialize)]
pub struct Button {
    #[serde(rename = "type")]
    kind: &'static str,
    /// What stands on it.
    pub text: Text,
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
        let headline = format!("{} {}", card.tone.sign(), card.title);
        let mut blocks = vec![Block::Header {
            text: Text::PlainText(truncate(&headline, LONGEST_HEADER)),
        }];
        blocks.extend(sections(&card));
        let elements = buttons(&card);
        if !elements.is_empty() {
            blocks.push(Block::Actions { elements });
        }
        blocks.push(Block::Context {
            elements: vec![Text::Mrkdwn(mrkdwn(&card.footer, LONGEST_FIELD))],
        });
        let text = format!("{} {}", card.title, card.text);
        Self {
            text: mrkdwn(&text, LONGEST_SECTION),
            blocks,
        }
    }
}

/// The paragraph with the first facts, and further sections for facts that it has no room for.
fn sections(card: &Card) -> impl Iterator<Item = Block> {
    let facts: Vec<Text> = card
        .facts
        .iter()
        .map(|(name, fact)| Text::Mrkdwn(format!("*{name}*\n{}", mrkdwn(fact, LONGEST_FIELD - 40))))
        .collect();
    let mut parts = facts.chunks(MOST_FIELDS).map(<[Text]>::to_vec);
    let first = Block::Section {
        text: Some(Text::Mrkdwn(mrkdwn(&card.text, LONGEST_SECTION))),
        fields: parts.next().unwrap_or_default(),
    };
    let rest: Vec<Block> = parts
        .map(|fields| Block::Section { text: None, fields })
        .collect();
    std::iter::once(first).chain(rest)
}

fn buttons(card: &Card) -> Vec<Button> {
    // A cut address leads nowhere, so one that is too long is left out.
    let links = card
        .links
        .iter()
        .filter(|(_, url)| url.chars().count() <= LONGEST_ADDRESS);
    links
        .map(|(label, url)| Button {
            kind: "button",
            text: Text::PlainText((*label).to_owned()),
            url: url.clone(),
        })
        .collect()
}

/// The text with entities for the characters that Slack reads as marks of its own.
fn mrkdwn(text: &str, limit: usize) -> String {
    crate::text::escape(text, limit, crate::text::html_entity)
}
