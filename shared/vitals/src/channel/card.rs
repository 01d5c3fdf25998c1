//! What people are shown, before it takes the form of a chat, a mail or a telephone.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::untrusted::{Markup, Untrusted};
use crate::level::Level;
use crate::notification::{Event, Notification};
use crate::text::truncate;
use crate::unit::format_duration;

/// How many alerts of a storm are shown with a line of their own.
const LINES: usize = 15;

/// The longest line of a storm, in characters.
const LONGEST_LINE: usize = 170;

/// The longest figure as plain text, in characters.
const LONGEST_PLAIN_FACT: usize = 4_000;

/// How urgent it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tone {
    /// It is over.
    Resolved,
    /// The worst of what is shown.
    Alarming(Level),
}

impl Tone {
    fn of(notification: &Notification) -> Self {
        match notification.event {
            Event::Resolved => Self::Resolved,
            _ => Self::Alarming(notification.level),
        }
    }

    /// A sign of its colour.
    pub(super) const fn sign(self) -> char {
        match self {
            Self::Resolved => '🟢',
            Self::Alarming(Level::Warning) => '🟡',
            Self::Alarming(Level::Critical) => '🔴',
            Self::Alarming(Level::Emergency) => '🚨',
        }
    }
}

/// What people are shown of one notification, or of a storm.
#[derive(Clone, Debug)]
pub(super) struct Card {
    /// How urgent the worst of it is.
    pub(super) tone: Tone,
    /// One line.
    pub(super) title: Untrusted,
    /// What happened; a line for each alert of a storm.
    pub(super) lines: Vec<Untrusted>,
    /// Figures by name.
    pub(super) facts: Vec<(&'static str, Untrusted)>,
    /// Where to go on, with what stands on the button.
    pub(super) links: Vec<(&'static str, String)>,
    /// The small print.
    pub(super) footer: Untrusted,
    /// When the last of it was seen.
    pub(super) at: DateTime<Utc>,
}

impl Card {
    /// What is shown of the news of a message.
    pub(super) fn new(notifications: &[Notification]) -> Self {
        match notifications {
            [one] => Self::of_one(one),
            many => Self::of_many(many),
        }
    }

    fn of_one(notification: &Notification) -> Self {
        Self {
            tone: Tone::of(notification),
            title: headline(notification),
            lines: vec![summary(notification)],
            facts: facts(notification),
            links: links(notification).collect(),
            footer: Untrusted::new(&format!(
                "rule {} · {}",
                notification.rule_id,
                moment(notification.at)
            )),
            at: notification.at,
        }
    }

    /// The worst first, the recoveries last.
    fn of_many(notifications: &[Notification]) -> Self {
        let mut sorted: Vec<&Notification> = notifications.iter().collect();
        sorted.sort_by_key(|notification| (std::cmp::Reverse(Tone::of(notification)), notification.at));
        let line = |notification: &&Notification| {
            let sign = Tone::of(notification).sign();
            let tag = tag(notification).to_uppercase();
            let line = truncate(&notification.summary, LONGEST_LINE);
            Untrusted::new(&format!("{sign} {tag} {line}"))
        };
        let mut lines: Vec<Untrusted> = sorted.iter().take(LINES).map(line).collect();
        match sorted.len().saturating_sub(LINES) {
            0 => {}
            rest => lines.push(Untrusted::new(&format!("… and {rest} more"))),
        }
        let worst = sorted.first();
        let at = notifications
            .iter()
            .map(|notification| notification.at)
            .max()
            .unwrap_or_default();
        Self {
            tone: worst.map_or(Tone::Resolved, |notification| Tone::of(notification)),
            title: Untrusted::new(&format!(
                "[{} ALERTS] {}",
                notifications.len(),
                tally(notifications)
            )),
            lines,
            facts: Vec::new(),
            links: worst
                .into_iter()
                .flat_map(|notification| links(notification))
                .filter(|(label, _)| *label == DASHBOARD)
                .collect(),
            footer: Untrusted::new(&format!("told at once, as they came together · {}", moment(at))),
            at,
        }
    }

    /// The lines in a place that is read in some way, within a limit: those that there is no room for are left out, and the
    /// last is cut.
    pub(super) fn text(&self, markup: Markup, limit: usize) -> String {
        let mut text = String::new();
        let mut room = limit;
        for line in &self.lines {
            if !text.is_empty() {
                text.push('\n');
                room = room.saturating_sub(1);
            }
            let line = line.written(markup, room);
            room = room.saturating_sub(line.chars().count());
            text.push_str(&line);
            if room <= 1 {
                break;
            }
        }
        text
    }

    /// The card as plain text, for what has no other form: the title left out.
    pub(super) fn plain_text(&self) -> String {
        const NO_LIMIT: usize = usize::MAX;
        let written = |text: &Untrusted| text.written(Markup::Linkified, NO_LIMIT);
        let facts = self
            .facts
            .iter()
            .map(|(name, fact)| format!("{name}: {}", written(fact)));
        let links = self.links.iter().map(|(label, url)| format!("{label}: {url}"));
        let parts = [
            self.text(Markup::Linkified, NO_LIMIT),
            facts.collect::<Vec<_>>().join("\n"),
            links.collect::<Vec<_>>().join("\n"),
            written(&self.footer),
        ];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join("\n\n")
    }
}

/// What stands on the button that leads to the application.
pub(super) const DASHBOARD: &str = "Dashboard";

fn tag(notification: &Notification) -> &'static str {
    match notification.event {
        Event::Resolved => Event::Resolved.as_str(),
        _ => notification.level.as_str(),
    }
}

/// `2 emergency, 5 critical, 1 resolved`.
fn tally(notifications: &[Notification]) -> String {
    let tags = Level::ALL
        .iter()
        .rev()
        .map(|level| level.as_str())
        .chain([Event::Resolved.as_str()]);
    let counted = tags.filter_map(|wanted| {
        let count = notifications
            .iter()
            .filter(|notification| tag(notification) == wanted)
            .count();
        (count > 0).then(|| format!("{count} {wanted}"))
    });
    counted.collect::<Vec<_>>().join(", ")
}

pub(super) fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// What stands first in a message.
pub(super) fn headline(notification: &Notification) -> Untrusted {
    Untrusted::new(&notification.headline())
}

/// All of it in one sentence.
pub(super) fn summary(notification: &Notification) -> Untrusted {
    Untrusted::new(&notification.summary)
}

/// The figures of one notification by name, as a receiver of plain text takes them.
pub(super) fn plain_facts(notification: &Notification) -> BTreeMap<&'static str, String> {
    let facts = facts(notification).into_iter();
    facts
        .map(|(name, fact)| (name, fact.written(Markup::Plain, LONGEST_PLAIN_FACT)))
        .collect()
}

/// The figures of one notification, the most important first.
pub(super) fn facts(notification: &Notification) -> Vec<(&'static str, Untrusted)> {
    let unit = notification.unit;
    let is_over = notification.event == Event::Resolved;
    let mut facts = Vec::new();
    let mut add = |name, fact: Option<String>| facts.extend(fact.map(|fact| (name, Untrusted::new(&fact))));
    add("Value", notification.value.map(|value| unit.format(value)));
    add("Threshold", Some(unit.format(notification.threshold)));
    let ratio = notification.ratio.filter(|_| !is_over);
    add("Times the threshold", ratio.map(|ratio| format!("{ratio:.1}")));
    add("Since", Some(moment(notification.since)));
    let has_lasted = notification.event != Event::Firing;
    add(
        "Duration",
        has_lasted.then(|| format_duration(notification.duration())),
    );
    add("No data since", notification.no_data_since.map(moment));
    let trend = notification.trend_line();
    add("Trend", (!trend.is_empty()).then_some(trend));
    let labels: Vec<String> = notification
        .labels
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    add("Labels", (!labels.is_empty()).then(|| labels.join(", ")));
    add("Acknowledged", acknowledged(notification));
    let responses: Vec<String> = notification
        .responses
        .iter()
        .map(|response| format!("{}: {}, {}", response.action, response.outcome, response.detail))
        .collect();
    add("Response", (!responses.is_empty()).then(|| responses.join("; ")));
    add("Next step", notification.advice.clone().filter(|_| !is_over));
    let path = notification.runbook_url.clone();
    add("What to do", path.filter(|path| !is_address(path)));
    facts
}

fn acknowledged(notification: &Notification) -> Option<String> {
    let acknowledged = notification.acknowledged.as_ref()?;
    let note = acknowledged.note.as_ref();
    let note = note.map(|note| format!(": {note}")).unwrap_or_default();
    Some(format!(
        "by {}, {}{note}",
        acknowledged.by,
        moment(acknowledged.at)
    ))
}

/// Where to go on.
pub(super) fn links(notification: &Notification) -> impl Iterator<Item = (&'static str, String)> {
    let links = [
        (DASHBOARD, &notification.dashboard_url),
        ("What to do", &notification.runbook_url),
    ];
    links
        .into_iter()
        .filter_map(|(label, url)| Some((label, url.clone().filter(|url| is_address(url))?)))
}

/// Whether it is an address that a button may lead to, and that ends where it seems to in every markup. Receivers refuse
/// the whole message for one that is not; a runbook may well be named by its path in a repository.
pub(super) fn is_address(text: &str) -> bool {
    let ends = |byte: u8| !byte.is_ascii_graphic() || b"<>\"`\\|^{}".contains(&byte);
    (text.starts_with("https://") || text.starts_with("http://")) && !text.bytes().any(ends)
}
