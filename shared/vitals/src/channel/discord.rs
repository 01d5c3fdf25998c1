//! Discord webhooks: one embed.
//!
//! Limits (Discord's reference of embeds): title 256 characters, description 4096, 25 fields of 256 and 1024, footer 2048,
//! 6000 together. A footer is plain text, all others are Markdown. A webhook that was told to wait too long answers with `retry_after` in seconds.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::card::{Card, Tone};
use super::destination::Destination;
use super::message::Message;
use super::request::{Method, Request};
use super::untrusted::{Markup, Untrusted};
use crate::level::Level;
use crate::notification::Notification;

const LONGEST_TITLE: usize = 256;
const LONGEST_DESCRIPTION: usize = 4096;
/// Beside fields, so that all of it together stays within the limit of an embed.
const LONGEST_DESCRIPTION_WITH_FIELDS: usize = 2000;
const LONGEST_FIELD: usize = 220;
const LONGEST_ADDRESS: usize = 500;

/// The body.
#[derive(Clone, Debug, Serialize)]
pub struct Body {
    /// Who seems to write.
    pub username: &'static str,
    /// The message.
    pub embeds: [Embed; 1],
    /// Whom the text may call by name.
    pub allowed_mentions: AllowedMentions,
}

/// Whom the text may call by name: nobody, whatever a statement says.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AllowedMentions {
    /// The kinds of names that are looked for.
    pub parse: [&'static str; 0],
}

/// A framed message.
#[derive(Clone, Debug, Serialize)]
pub struct Embed {
    /// One line.
    pub title: String,
    /// Where the title leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What happened.
    pub description: String,
    /// The colour of the frame, as red, green and blue.
    pub color: u32,
    /// Figures.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// The small print.
    pub footer: Footer,
    /// When.
    pub timestamp: DateTime<Utc>,
}

/// A figure.
#[derive(Clone, Debug, Serialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// The figure.
    pub value: String,
    /// Whether others may stand beside it.
    pub inline: bool,
}

/// The small print.
#[derive(Clone, Debug, Serialize)]
pub struct Footer {
    /// What it says.
    pub text: String,
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
        let fields: Vec<Field> = card.facts.iter().map(field).chain(links(&card)).collect();
        let room = if fields.is_empty() {
            LONGEST_DESCRIPTION
        } else {
            LONGEST_DESCRIPTION_WITH_FIELDS
        };
        let embed = Embed {
            title: format!(
                "{} {}",
                card.tone.sign(),
                card.title.written(Markup::Discord, LONGEST_TITLE - 2)
            ),
            url: addresses(&card).next().map(|(_, url)| url.clone()),
            description: card.text(Markup::Discord, room),
            color: color(card.tone),
            fields,
            footer: Footer {
                text: card.footer.written(Markup::Plain, LONGEST_FIELD),
            },
            timestamp: card.at,
        };
        Self {
            username: "pgvitals",
            embeds: [embed],
            allowed_mentions: AllowedMentions::default(),
        }
    }
}

fn field((name, fact): &(&'static str, Untrusted)) -> Field {
    Field {
        name: (*name).to_owned(),
        value: fact.written(Markup::Discord, LONGEST_FIELD),
        inline: fact.length() < 30,
    }
}

/// The first address is that of the title.
fn links(card: &Card) -> impl Iterator<Item = Field> {
    addresses(card).skip(1).map(|(label, url)| Field {
        name: (*label).to_owned(),
        value: url.clone(),
        inline: false,
    })
}

/// A cut address leads nowhere, so one that is too long is left out.
fn addresses(card: &Card) -> impl Iterator<Item = &(&'static str, String)> {
    card.links
        .iter()
        .filter(|(_, url)| url.chars().count() <= LONGEST_ADDRESS)
}

const fn color(tone: Tone) -> u32 {
    match tone {
        Tone::Resolved => 0x2E_CC_71,
        Tone::Alarming(Level::Warning) => 0xF1_C4_0F,
        Tone::Alarming(Level::Critical) => 0xE7_4C_3C,
        Tone::Alarming(Level::Emergency) => 0x99_2D_22,
    }
}
