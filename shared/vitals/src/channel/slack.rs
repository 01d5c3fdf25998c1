//! Slack incoming webhooks: a text for those who see no blocks, and blocks (Block Kit) for those who do.
//!
//! Limits (Slack's reference of blocks): header 150 characters, section text 3000, field text 2000, button address 3000.
//! The characters `&`, `<` and `>` are written as entities in `mrkdwn`; a header is plain text and takes them as they
//! are. An incoming webhook cannot change an earlier message, so a recovery is a message of its own.

use serde::Serialize;

use crate::level::Level;
use crate::notification::{Event, Notification};
use crate::text::{ELLIPSIS, truncate};
use crate::unit::format_duration;

const LONGEST_HEADER: usize = 150;
const LONGEST_SECTION: usize = 3000;
const LONGEST_FIELD: usize = 2000;
const LONGEST_ADDRESS: usize = 3000;

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
    /// A paragraph, with facts in two columns below it.
    Section {
        /// The paragraph.
        text: Text,
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

impl Body {
    /// The message that tells a notification.
    pub fn new(notification: &Notification) -> Self {
        let headline = format!("{} {}", sign(notification), notification.headline());
        let mut blocks = vec![
            Block::Header {
                text: Text::PlainText(truncate(&headline, LONGEST_HEADER)),
            },
            Block::Section {
                text: Text::Mrkdwn(escape(&notification.summary, LONGEST_SECTION)),
                fields: fields(notification),
            },
        ];
        let elements = buttons(notification);
        if !elements.is_empty() {
            blocks.push(Block::Actions { elements });
        }
        let context = format!(
            "rule {} · {}",
            notification.rule_id,
            notification.at.format("%Y-%m-%d %H:%M:%S UTC")
        );
        blocks.push(Block::Context {
            elements: vec![Text::Mrkdwn(escape(&context, LONGEST_FIELD))],
        });
        let text = format!("{} {}", notification.headline(), notification.summary);
        Self {
            text: escape(&text, LONGEST_SECTION),
            blocks,
        }
    }
}

fn sign(notification: &Notification) -> char {
    match (notification.event, notification.level) {
        (Event::Resolved, _) => '🟢',
        (_, Level::Warning) => '🟡',
        (_, Level::Critical) => '🔴',
        (_, Level::Emergency) => '🚨',
    }
}

fn fields(notification: &Notification) -> Vec<Text> {
    let mut facts = Vec::new();
    if let Some(value) = notification.value {
        facts.push(("Value", notification.unit.format(value)));
    }
    facts.push(("Threshold", notification.unit.format(notification.threshold)));
    if let Some(ratio) = notification
        .ratio
        .filter(|_| notification.event != Event::Resolved)
    {
        facts.push(("Times the threshold", format!("{ratio:.1}")));
    }
    facts.push((
        "Since",
        notification.since.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
    ));
    if notification.event != Event::Firing {
        facts.push(("Duration", format_duration(notification.duration())));
    }
    if let Some(path) = notification.runbook_url.as_ref().filter(|path| !is_address(path)) {
        facts.push(("What to do", path.clone()));
    }
    let trend = notification.trend_line();
    if !trend.is_empty() {
        facts.push(("Trend", trend));
    }
    facts
        .into_iter()
        .map(|(name, fact)| Text::Mrkdwn(format!("*{name}*\n{}", escape(&fact, LONGEST_FIELD - 40))))
        .collect()
}

fn buttons(notification: &Notification) -> Vec<Button> {
    let links = [
        ("Dashboard", &notification.dashboard_url),
        ("What to do", &notification.runbook_url),
    ];
    links
        .into_iter()
        .filter_map(|(label, url)| {
            // A cut address leads nowhere, so one that is too long is left out.
            let url = url
                .as_ref()
                .filter(|url| is_address(url) && url.chars().count() <= LONGEST_ADDRESS)?;
            Some(Button {
                kind: "button",
                text: Text::PlainText(label.to_owned()),
                url: url.clone(),
            })
        })
        .collect()
}

/// Whether it is an address that a button may lead to. Slack refuses the whole message for one that is not; a runbook
/// may well be named by its path in a repository.
fn is_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// The text with entities for the characters that Slack reads as marks of its own, cut so that no entity is.
fn escape(text: &str, limit: usize) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut length = 0;
    // The text may end here if there turns out to be no room for all of it.
    let mut fitting = 0;
    for character in text.chars() {
        let entity = match character {
            '&' => Some("&amp;"),
            '<' => Some("&lt;"),
            '>' => Some("&gt;"),
            _ => None,
        };
        length += entity.map_or(1, str::len);
        if length > limit {
            escaped.truncate(fitting);
            escaped.push(ELLIPSIS);
            return escaped;
        }
        match entity {
            Some(entity) => escaped.push_str(entity),
            None => escaped.push(character),
        }
        if length < limit {
            fitting = escaped.len();
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_entity_is_cut() {
        assert_eq!(escape("a<b", 6), "a&lt;b");
        assert_eq!(escape("a<b", 5), "a…");
        assert_eq!(escape("a & b", 9), "a &amp; b");
        assert_eq!(escape("a & b", 8), "a &amp;…");
    }

    proptest! {
        #[test]
        fn an_escaped_text_keeps_the_limit_and_has_no_marks(text in "[a<>&é]{0,40}", limit in 1usize..60) {
            let escaped = escape(&text, limit);
            prop_assert!(escaped.chars().count() <= limit);
            prop_assert!(!escaped.contains(['<', '>']));
        }
    }
}
