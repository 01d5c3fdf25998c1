//! What people are shown, before it takes the form of a chat, a mail or a telephone.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use crate::level::Level;
use crate::notification::{Event, Notification};
use crate::text::truncate;
use crate::unit::format_duration;

/// How many alerts of a storm are shown with a line of their own.
const LINES: usize = 15;

/// The longest line of a storm, in characters.
const LONGEST_LINE: usize = 170;

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
    pub(super) title: String,
    /// What happened; a line for each alert of a storm.
    pub(super) text: String,
    /// Figures by name.
    pub(super) facts: Vec<(&'static str, String)>,
    /// Where to go on, with what stands on the button.
    pub(super) links: Vec<(&'static str, String)>,
    /// The small print.
    pub(super) footer: String,
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
            title: notification.headline(),
            text: notification.summary.clone(),
            facts: facts(notification),
            links: links(notification),
            footer: format!("rule {} · {}", notification.rule_id, moment(notification.at)),
            at: notification.at,
        }
    }

    /// The worst first, the recoveries last.
    fn of_many(notifications: &[Notification]) -> Self {
        let mut sorted: Vec<&Notification> = notifications.iter().collect();
        sorted.sort_by_key(|notification| (std::cmp::Reverse(Tone::of(notification)), notification.at));
        let mut text = String::new();
        for notification in sorted.iter().take(LINES) {
            let line = truncate(&notification.summary, LONGEST_LINE);
            let tag = tag(notification).to_uppercase();
            // Writing to a text cannot fail.
            let _ = writeln!(text, "{} {tag} {line}", Tone::of(notification).sign());
        }
        match sorted.len().saturating_sub(LINES) {
            0 => {}
            rest => {
                let _ = writeln!(text, "… and {rest} more");
            }
        }
        let worst = sorted.first();
        let at = notifications
            .iter()
            .map(|notification| notification.at)
            .max()
            .unwrap_or_default();
        Self {
            tone: worst.map_or(Tone::Resolved, |notification| Tone::of(notification)),
            title: format!("[{} ALERTS] {}", notifications.len(), tally(notifications)),
            text: text.trim_end().to_owned(),
            facts: Vec::new(),
            links: worst
                .map(|notification| links(notification))
                .unwrap_or_default()
                .into_iter()
                .filter(|(label, _)| *label == DASHBOARD)
                .collect(),
            footer: format!("told at once, as they came together · {}", moment(at)),
            at,
        }
    }

    /// The card as plain text, for what has no other form: the title left out.
    pub(super) fn plain_text(&self) -> String {
        let mut text = format!("{}\n", self.text);
        for (position, (name, fact)) in self.facts.iter().enumerate() {
            let gap = if position == 0 { "\n" } else { "" };
            let _ = writeln!(text, "{gap}{name}: {fact}");
        }
        for (position, (label, url)) in self.links.iter().enumerate() {
            let gap = if position == 0 { "\n" } else { "" };
            let _ = writeln!(text, "{gap}{label}: {url}");
        }
        let _ = write!(text, "\n{}", self.footer);
        text
    }
}

const DASHBOARD: &str = "Dashboard";

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

/// The figures of one notification, the most important first.
pub(super) fn facts(notification: &Notification) -> Vec<(&'static str, String)> {
    let unit = notification.unit;
    let is_over = notification.event == Event::Resolved;
    let mut facts = Vec::new();
    let mut add = |name, fact: Option<String>| facts.extend(fact.map(|fact| (name, fact)));
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

fn links(notification: &Notification) -> Vec<(&'static str, String)> {
    let links = [
        (DASHBOARD, &notification.dashboard_url),
        ("What to do", &notification.runbook_url),
    ];
    links
        .into_iter()
        .filter_map(|(label, url)| Some((label, url.clone().filter(|url| is_address(url))?)))
        .collect()
}

/// Whether it is an address that a button may lead to. Receivers refuse the whole message for one that is not; a runbook
/// may well be named by its path in a repository.
fn is_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}
