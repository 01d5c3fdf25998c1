//! What is told of a transition, before it takes the form of any receiver.
//!
//! A notification is what lies in the outbox: everything a message needs, so that delivering it asks no questions of a
//! database that may be the very thing that is down.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::alert::{AlertState, Observation, Transition};
use crate::level::Level;
use crate::name::names;
use crate::rule::{Comparison, Rule};
use crate::text::sparkline;
use crate::unit::{Unit, format_duration};

names! {
    /// What kind of news it is.
    "event" pub enum Event {
        /// An alert began.
        Firing = "firing",
        /// It got worse, or better.
        Level = "level",
        /// It is over.
        Resolved = "resolved",
        /// It still fires, and whoever was told first did not take it up, or could not be reached.
        Escalated = "escalated",
        /// It still fires, and nobody took it up.
        Reminder = "reminder",
        /// Something was done about it automatically.
        Response = "response",
    }
}

impl From<Transition> for Event {
    fn from(transition: Transition) -> Self {
        match transition {
            Transition::Fired { .. } => Self::Firing,
            Transition::LevelChanged { .. } => Self::Level,
            Transition::Resolved { .. } => Self::Resolved,
        }
    }
}

/// What is told of one transition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// The same for all messages of one rule, target and subject: what receivers join them by. `rule/target/subject`.
    pub incident: String,
    /// The number of the alert. Not known before the alert is stored, so whoever stores it adds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_id: Option<i64>,
    /// Which transition of the alert this is, from 1.
    pub sequence: i32,
    /// What kind of news it is.
    pub event: Event,
    /// The rule.
    pub rule_id: String,
    /// How bad it is, or was when it is over.
    pub level: Level,
    /// How bad it was before, if it changed.
    pub previous_level: Option<Level>,
    /// The target.
    pub target: String,
    /// What of the target, as a key. Empty if it is about the target itself.
    pub subject: String,
    /// The same for people: the title of a statement, the name of a database.
    pub subject_label: String,
    /// All of it in one sentence.
    pub summary: String,
    /// The value that was seen, or `None` if it is over because nothing happens there any more.
    pub value: Option<f64>,
    /// Where the level begins.
    pub threshold: f64,
    /// What both are measured in.
    pub unit: Unit,
    /// How many times the threshold the value is (or the other way round where less is worse).
    pub ratio: Option<f64>,
    /// Since when the value has been bad.
    pub since: DateTime<Utc>,
    /// When this was seen.
    pub at: DateTime<Utc>,
    /// The last values, oldest first.
    pub trend: Vec<f64>,
    /// What to do about it.
    pub runbook_url: Option<String>,
    /// Where to look.
    pub dashboard_url: Option<String>,
    /// What it belongs to: the labels of the subject (`database`, …) and the tags of the rule (`team`, …).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The next step, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// Who took it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Acknowledged>,
    /// What was done about it automatically, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub responses: Vec<ResponseResult>,
    /// Since when nothing is known of the value any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_data_since: Option<DateTime<Utc>>,
    /// Whether it comes and goes so often that it is kept open until it is calm.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flapping: bool,
}

/// That somebody took an alert up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// Who.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// What they said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What an automatic response came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseResult {
    /// The name of the action, such as `analyze_table`.
    pub action: String,
    /// How it ended: `done`, `failed`, `refused`, or what it would have done (`dry_run`).
    pub outcome: String,
    /// What it did, or why it did not.
    pub detail: String,
}

/// The most values that a trend has.
pub const LONGEST_TREND: usize = 30;

/// The longest label of a subject, in characters.
pub const LONGEST_LABEL: usize = 200;

/// What a notification is made of.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// The name of the target.
    pub target: &'a str,
    /// What of the target, as a key.
    pub subject: &'a str,
    /// The same for people.
    pub subject_label: &'a str,
    /// What it belongs to.
    pub labels: &'a BTreeMap<String, String>,
    /// The alert as it is now.
    pub state: &'a AlertState,
    /// What kind of news it is.
    pub event: Event,
    /// How bad it was said to be before, if that changed.
    pub previous_level: Option<Level>,
    /// What is seen now.
    pub observation: Observation,
    /// When.
    pub at: DateTime<Utc>,
    /// The last values, oldest first.
    pub trend: &'a [f64],
    /// What to do about it.
    pub runbook_url: Option<&'a str>,
    /// Where to look.
    pub dashboard_url: Option<&'a str>,
    /// Who took it up.
    pub acknowledged: Option<&'a Acknowledged>,
    /// What was done about it automatically.
    pub responses: &'a [ResponseResult],
}

impl Notification {
    /// Says what is to be said of an alert.
    pub fn new(facts: &Facts<'_>) -> Self {
        let Facts {
            rule,
            target,
            subject,
            state,
            ..
        } = *facts;
        let value = match facts.observation {
            Observation::Value(value) => Some(value),
            Observation::Idle => None,
            // The last that was known, and since when it is not.
            Observation::NoData => state.value,
        };
        let finite = || facts.trend.iter().copied().filter(|value| value.is_finite());
        let mut notification = Self {
            incident: format!("{}/{target}/{subject}", rule.rule_id()),
            alert_id: None,
            sequence: state.sequence,
            event: facts.event,
            rule_id: rule.rule_id().to_owned(),
            level: state.level,
            previous_level: facts.previous_level,
            target: target.to_owned(),
            subject: subject.to_owned(),
            subject_label: crate::text::truncate(facts.subject_label, LONGEST_LABEL),
            summary: String::new(),
            value,
            threshold: state.threshold,
            unit: rule.metric().unit(),
            ratio: value.and_then(|value| ratio(rule.comparison(), value, state.threshold)),
            since: state.pending_since,
            at: facts.at,
            trend: finite()
                .skip(finite().count().saturating_sub(LONGEST_TREND))
                .collect(),
            runbook_url: facts.runbook_url.map(str::to_owned),
            dashboard_url: facts.dashboard_url.map(str::to_owned),
            labels: facts.labels.clone(),
            advice: rule.advice().map(str::to_owned),
            acknowledged: facts.acknowledged.cloned(),
            responses: facts.responses.to_vec(),
            no_data_since: state.no_data_since,
            flapping: state.flaps.damped,
        };
        notification.summary = notification.sentence(rule);
        notification
    }

    /// How long it has been bad.
    pub fn duration(&self) -> Duration {
        (self.at - self.since)
            .max(TimeDelta::zero())
            .to_std()
            .unwrap_or_default()
    }

    /// What stands first in a message: `[CRITICAL] main: slow_statement`, `[RESOLVED] main: slow_statement`.
    pub fn headline(&self) -> String {
        let tag = match self.event {
            Event::Resolved => Event::Resolved.as_str(),
            _ => self.level.as_str(),
        };
        format!("[{}] {}: {}", tag.to_uppercase(), self.target, self.rule_id)
    }

    /// The trend as a line of bars, with the last value; empty if there is none to draw.
    pub fn trend_line(&self) -> String {
        sparkline(&self.trend)
    }

    fn sentence(&self, rule: &Rule) -> String {
        let phrase = rule.metric().phrase();
        let place = match rule.metric().subject() {
            Some(kind) if !self.subject_label.is_empty() => {
                format!("{} ({kind} {})", self.target, self.subject_label)
            }
            _ => self.target.clone(),
        };
        let limit = format!("{} {}", rule.comparison(), self.unit.format(self.threshold));
        let said = if self.event == Event::Resolved {
            self.end(phrase, &limit)
        } else {
            self.state(phrase, &limit)
        };
        format!("{place}: {said}")
    }

    /// What is said of an alert that is over.
    fn end(&self, phrase: &str, limit: &str) -> String {
        let duration = format_duration(self.duration());
        match self.value {
            Some(value) => format!(
                "{phrase} is back to {} after {duration} ({} was {limit})",
                self.unit.format(value),
                self.level
            ),
            None => format!(
                "nothing happens there any more after {duration} ({} was {phrase} {limit})",
                self.level
            ),
        }
    }

    /// What is said of an alert that fires.
    fn state(&self, phrase: &str, limit: &str) -> String {
        let duration = format_duration(self.duration());
        let level = self.level;
        let mut said = match (self.value, self.no_data_since) {
            (Some(value), None) => format!("{phrase} is {}", self.unit.format(value)),
            (Some(value), Some(since)) => format!(
                "{phrase} was {}, not known since {}",
                self.unit.format(value),
                since.format("%H:%M:%S UTC")
            ),
            (None, _) => format!("{phrase} is not known"),
        };
        said += &match (self.event, self.previous_level) {
            (Event::Level, Some(before)) => {
                format!(", now {level} ({limit}), {before} before, bad for {duration}")
            }
            (Event::Level, None) => format!(", now {level} ({limit}), bad for {duration}"),
            (Event::Escalated, _) => {
                format!(", {level} ({limit}) for {duration}, and nobody who was told before has reacted")
            }
            (Event::Reminder | Event::Response, _) => {
                format!(", still {level} ({limit}), bad for {duration}")
            }
            _ => format!(", {level} is {limit}"),
        };
        if self.flapping {
            said += "; it comes and goes, and stays open until it has been calm for some time";
        }
        said
    }
}

fn ratio(comparison: Comparison, value: f64, threshold: f64) -> Option<f64> {
    let ratio = match comparison {
        Comparison::Above => value / threshold,
        Comparison::Below => threshold / value,
    };
    ratio.is_finite().then_some(ratio)
}

#[cfg(test)]
pub(crate) mod tests;
