//! Telegram: a message of a bot, in HTML. What follows is an answer to the first message of the alert.
//!
//! A text has at most 4096 characters, marks left out. Telegram finds addresses, names and commands in it by itself, and
//! cannot be told not to; in code it finds none. The token of the bot is part of the address.

use serde::Serialize;

use super::card::Card;
use super::destination::Destination;
use super::message::Message;
use super::request::{Method, Request};
use super::untrusted::Markup;

const LONGEST_TITLE: usize = 300;
const LONGEST_TEXT: usize = 2_700;
/// Of all facts together.
const LONGEST_FACTS: usize = 800;
const LONGEST_ADDRESS: usize = 1_000;

/// The body.
#[derive(Clone, Debug, Serialize)]
pub struct Body<'a> {
    /// Where it goes.
    pub chat_id: &'a str,
    /// The thread there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_thread_id: Option<i64>,
    /// What it says.
    pub text: String,
    /// How the text is to be read.
    pub parse_mode: &'static str,
    /// What is shown of addresses in the text.
    pub link_preview_options: LinkPreview,
    /// What it is an answer to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_parameters: Option<Reply>,
}

/// What is shown of addresses in the text: nothing.
#[derive(Clone, Debug, Serialize)]
pub struct LinkPreview {
    /// Whether nothing is shown.
    pub is_disabled: bool,
}

/// What a message is an answer to.
#[derive(Clone, Debug, Serialize)]
pub struct Reply {
    /// The number of that message.
    pub message_id: i64,
    /// Whether to send it too when that one is gone.
    pub allow_sending_without_reply: bool,
}

/// The request that tells a message.
pub(super) fn request(
    destination: &Destination,
    message: &Message<'_>,
) -> Result<Request, serde_json::Error> {
    let settings = destination.settings();
    let body = Body {
        chat_id: settings.chat_id.as_deref().unwrap_or_default(),
        message_thread_id: settings.thread_id,
        text: text(&Card::new(message.notifications)),
        parse_mode: "HTML",
        link_preview_options: LinkPreview { is_disabled: true },
        reply_parameters: message
            .reference
            .and_then(|reference| reference.parse().ok())
            .map(|message_id| Reply {
                message_id,
                allow_sending_without_reply: true,
            }),
    };
    let address = destination.below(&format!("/bot{}/sendMessage", destination.key()));
    Request::json(Method::Post, address, &body)
}

fn text(card: &Card) -> String {
    let mut text = format!(
        "<b>{} {}</b>\n\n{}\n",
        card.tone.sign(),
        card.title.written(Markup::TelegramTitle, LONGEST_TITLE),
        lines(card)
    );
    let mut room = LONGEST_FACTS;
    for (position, (name, fact)) in card.facts.iter().enumerate() {
        let fact = fact.written(Markup::TelegramCode, room);
        room = room.saturating_sub(fact.chars().count() + name.len() + 2);
        if room == 0 {
            break;
        }
        let gap = if position == 0 { "\n" } else { "" };
        text.push_str(&format!("{gap}<b>{name}</b>: {fact}\n"));
    }
    let links: Vec<String> = card
        .links
        .iter()
        .filter(|(_, url)| url.chars().count() <= LONGEST_ADDRESS)
        .map(|(label, url)| {
            // A card has no address with any other sign of HTML.
            format!("<a href=\"{}\">{label}</a>", url.replace('&', "&amp;"))
        })
        .collect();
    if !links.is_empty() {
        text.push_str(&format!("\n{}", links.join(" · ")));
    }
    text.trim_end().to_owned()
}

/// Each line is code by itself; those that there is no room for are left out.
fn lines(card: &Card) -> String {
    let mut room = LONGEST_TEXT;
    let mut lines = Vec::new();
    for line in &card.lines {
        if room <= 1 {
            break;
        }
        let line = line.written(Markup::TelegramCode, room);
        room = room.saturating_sub(line.chars().count() + 1);
        lines.push(line);
    }
    lines.join("\n")
}
