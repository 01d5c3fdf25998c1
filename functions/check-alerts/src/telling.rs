//! Who is told of the alerts as they stand, and what.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};
use store::alerts::{Action, Change, Message, News, Written};
use store::observations::Watched;
use vitals::alert::Phase;
use vitals::matcher::Labels;
use vitals::notification::{Acknowledged, Facts, Notification};
use vitals::quiet::{Quiet, Silence, Window};
use vitals::route::{self, Routing, Told};

use crate::evaluation::{Evaluated, Standing};

/// What decides who is told.
#[derive(Debug, Default)]
pub(crate) struct Telling {
    /// The names of the targets.
    pub(crate) targets: HashMap<i32, String>,
    /// Who can be told.
    pub(crate) routing: Routing,
    /// The silences that are not over.
    pub(crate) silences: Vec<Silence>,
    /// The maintenance windows that are open.
    pub(crate) windows: Vec<Window>,
    /// What each channel was told of each alert.
    pub(crate) told: HashMap<i64, BTreeMap<i32, Told>>,
    /// Where links lead to.
    pub(crate) external_url: String,
    /// The time by which everything is judged.
    pub(crate) now: DateTime<Utc>,
}

/// An alert with what is to be said of it.
#[derive(Debug)]
pub(crate) struct Case<'a> {
    alert: &'a Standing<'a>,
    labels: Labels,
    acknowledged: Option<&'a Acknowledged>,
    quiet: Option<Quiet>,
    messages: Vec<route::Message>,
}

impl Case<'_> {
    /// What the alert is about, if there is somebody to tell.
    pub(crate) fn told(&self) -> Option<Watched> {
        (!self.messages.is_empty()).then(|| self.watched())
    }

    /// What the alert is about.
    pub(crate) fn watched(&self) -> Watched {
        Watched {
            rule_id: self.alert.rule.rule_id().to_owned(),
            target_id: self.alert.target_id,
            subject: self.alert.subject.to_owned(),
        }
    }
}

impl Telling {
    /// Who is to be told of what. Alerts of which nothing is to be written are left out.
    pub(crate) fn cases<'a>(&self, evaluated: &'a Evaluated<'a>) -> Vec<Case<'a>> {
        let causes = evaluated.causes();
        evaluated
            .standing
            .iter()
            .map(|alert| self.case(alert, &causes))
            .filter(|case| {
                let before = case.alert.previous.and_then(|alert| alert.suppressed_by.clone());
                case.alert.is_changed
                    || !case.messages.is_empty()
                    || before != case.quiet.as_ref().map(ToString::to_string)
            })
            .collect()
    }

    fn case<'a>(&self, alert: &'a Standing<'a>, causes: &HashSet<(i32, &str)>) -> Case<'a> {
        let own_labels = own_labels(alert);
        let labels = self.labels(alert, &own_labels);
        let acknowledged = alert
            .previous
            .and_then(|previous| previous.acknowledged_at_level(alert.state.level));
        let quiet = self.quiet(alert, &labels, causes);
        let messages = self.messages(alert, &labels, acknowledged, quiet.is_some());
        Case {
            alert,
            labels: own_labels,
            acknowledged,
            quiet,
            messages,
        }
    }

    /// What routes, silences and windows can ask for: the labels of the alert, and what every alert has.
    fn labels(&self, alert: &Standing<'_>, own: &Labels) -> Labels {
        let mut labels = own.clone();
        labels.extend([
            ("rule".to_owned(), alert.rule.rule_id().to_owned()),
            ("target".to_owned(), self.target_name(alert.target_id)),
            ("subject".to_owned(), alert.subject.to_owned()),
            ("severity".to_owned(), alert.state.level.to_string()),
        ]);
        labels
    }

    fn quiet(&self, alert: &Standing<'_>, labels: &Labels, causes: &HashSet<(i32, &str)>) -> Option<Quiet> {
        if alert.state.phase != Phase::Firing {
            return None;
        }
        let is_cause = |rule_id: &&String| causes.contains(&(alert.target_id, rule_id.as_str()));
        if let Some(cause) = alert.rule.inhibited_by().iter().find(is_cause) {
            return Some(Quiet::Rule(cause.clone()));
        }
        let silence = self
            .silences
            .iter()
            .find(|silence| silence.covers(labels, self.now));
        if let Some(silence) = silence {
            return Some(Quiet::Silence(silence.silence_id));
        }
        let window = self.windows.iter().find(|window| window.covers(labels));
        window.map(|window| Quiet::Window(window.name.clone()))
    }

    fn messages(
        &self,
        alert: &Standing<'_>,
        labels: &Labels,
        acknowledged: Option<&Acknowledged>,
        is_quiet: bool,
    ) -> Vec<route::Message> {
        let Some(opened_at) = alert.state.opened_at.filter(|_| alert.is_news()) else {
            return Vec::new();
        };
        let nothing = BTreeMap::new();
        let told = alert.previous.and_then(|alert| self.told.get(&alert.alert_id));
        let standing = route::Standing {
            labels,
            level: alert.state.level,
            is_over: alert.state.phase == Phase::Resolved,
            opened_at,
            acknowledged_at: acknowledged.map(|acknowledged| acknowledged.at),
            is_quiet,
            told: told.unwrap_or(&nothing),
        };
        self.routing.messages(&standing, self.now)
    }

    /// What is written of a case; `trend` are the last values of its subject.
    pub(crate) fn change(&self, case: &Case<'_>, trend: &[f64]) -> Change {
        let alert = case.alert;
        let news = (alert.transition.is_some() || !case.messages.is_empty()).then(|| News {
            transition: alert.transition,
            notification: match case.messages.first() {
                Some(message) => json(&self.notification(case, message, trend)),
                None => Json::Null,
            },
            messages: case
                .messages
                .iter()
                .map(|message| self.message(case, message, trend))
                .collect(),
        });
        Change {
            rule_id: alert.rule.rule_id().to_owned(),
            target_id: alert.target_id,
            subject: alert.subject.to_owned(),
            subject_label: alert.subject_label.to_owned(),
            action: Action::Write(Box::new(Written {
                next: alert.state.clone(),
                labels: alert.labels.clone(),
                suppressed_by: case.quiet.as_ref().map(ToString::to_string),
                news,
            })),
        }
    }

    /// A message, as what it says differently from the notification of the case.
    fn message(&self, case: &Case<'_>, message: &route::Message, trend: &[f64]) -> Message {
        let notification = self.notification(case, message, trend);
        Message {
            channel_id: message.channel_id,
            event: message.event,
            said: json!({
                "event": notification.event,
                "previous_level": notification.previous_level,
                "summary": notification.summary,
            }),
        }
    }

    fn notification(&self, case: &Case<'_>, message: &route::Message, trend: &[f64]) -> Notification {
        let alert = case.alert;
        let dashboard_url = format!("{}/health/targets", self.external_url);
        Notification::new(&Facts {
            rule: alert.rule,
            target: &self.target_name(alert.target_id),
            subject: alert.subject,
            subject_label: alert.subject_label,
            labels: &case.labels,
            state: &alert.state,
            event: message.event,
            previous_level: message.previous_level,
            observation: alert.observation,
            at: self.now,
            trend,
            runbook_url: alert.rule.runbook(),
            dashboard_url: Some(&dashboard_url),
            acknowledged: case.acknowledged,
            responses: alert
                .previous
                .map_or(&[], |previous| previous.responses.as_slice()),
        })
    }

    fn target_name(&self, target_id: i32) -> String {
        self.targets
            .get(&target_id)
            .cloned()
            .unwrap_or_else(|| format!("target {target_id}"))
    }
}

/// The tags of the rule and what the subject belongs to; what is nearer to the subject counts. The target has a field of
/// its own in every message.
fn own_labels(alert: &Standing<'_>) -> Labels {
    let mut labels = alert.rule.tags().clone();
    labels.extend(alert.labels.clone());
    labels.remove("target");
    labels
}

/// A notification is made of texts, times and finite numbers, all of which JSON has.
fn json(notification: &Notification) -> Json {
    serde_json::to_value(notification).unwrap_or_default()
}

#[cfg(test)]
mod tests;
