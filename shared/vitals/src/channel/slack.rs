//! Slack incoming webhooks: a text for those who see no blocks, and blocks (Block Kit) for those who do.
//!
//! Limits (Slack's reference of blocks): header 150 characters, section text 3000, field text 2000, button address 3000.
//! Every text of a block is plain text, in which nothing has a meaning. The text for those who see no blocks is what
//! Mattermost and Rocket.Chat show, as Markdown; it stands in code, where they look for nothing. An incoming webhook cannot change an earlier message, so a recovery is a message of its own.

use serde::Serialize;

use super::card::Card;
use super::destination::Destination;
use super::message::Message;
use super::request::{Method, Request};
use super::untrusted::{Markup, Untrusted};
use crate::notification::Notification;

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
    /// What is looked for in the text: nothing.
    pub parse: &'static str,
    /// Whether names in it are looked for.
    pub link_names: bool,
    /// Whether it is shown what addresses lead to.
    pub unfurl_links: bool,
    /// Whether pictures at addresses are shown.
    pub unfurl_media: bool,
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

/// A text that is shown as it is.
#[derive(Clone, Debug, Serialize)]
pub struct Text {
    #[serde(rename = "type")]
    kind: &'static str,
    /// The text.
    pub text: String,
    /// Whether `:name:` is a picture.
    pub emoji: bool,
}

impl Text {
    fn new(text: String) -> Self {
        Self {
            kind: "plain_text",
            text,
            emoji: false,
        }
    }
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
        let title = card.title.written(Markup::Plain, LONGEST_HEADER - 2);
        let mut blocks = vec![Block::Header {
            text: Text::new(format!("{} {title}", card.tone.sign())),
        }];
        blocks.extend(sections(&card));
        let elements = buttons(&card);
        if !elements.is_empty() {
            blocks.push(Block::Actions { elements });
        }
        blocks.push(Block::Context {
            elements: vec![Text::new(card.footer.written(Markup::Plain, LONGEST_FIELD))],
        });
        Self {
            text: fallback(&card),
            blocks,
            parse: "none",
            link_names: false,
            unfurl_links: false,
            unfurl_media: false,
        }
    }
}

/// The title and the lines, each in code.
fn fallback(card: &Card) -> String {
    let mut text = card.title.written(Markup::ChatCode, LONGEST_HEADER);
    let mut room = LONGEST_SECTION.saturating_sub(text.chars().count());
    for line in &card.lines {
        // Each has two marks around it and a line break before it.
        let line = line.written(Markup::ChatCode, room.saturating_sub(3));
        if line.is_empty() {
            break;
        }
        room = room.saturating_sub(line.chars().count() + 1);
        text.push('\n');
        text.push_str(&line);
    }
    text
}

/// The paragraph with the first facts, and further sections for facts that it has no room for.
fn sections(card: &Card) -> impl Iterator<Item = Block> {
    let facts: Vec<Text> = card.facts.iter().map(fact).collect();
    let mut parts = facts.chunks(MOST_FIELDS).map(<[Text]>::to_vec);
    let first = Block::Section {
        text: Some(Text::new(card.text(Markup::Plain, LONGEST_SECTION))),
        fields: parts.next().unwrap_or_default(),
    };
    let rest: Vec<Block> = parts
        .map(|fields| Block::Section { text: None, fields })
        .collect();
    std::iter::once(first).chain(rest)
}

fn fact((name, fact): &(&'static str, Untrusted)) -> Text {
    let fact = fact.written(Markup::Plain, LONGEST_FIELD - 40);
    Text::new(format!("{name}\n{fact}"))
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
            text: Text::new((*label).to_owned()),
            url: url.clone(),
        })
        .collect()
}
