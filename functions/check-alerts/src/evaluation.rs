//! From what is observed to how each alert stands now.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use store::alerts::{Action, Alert, Change};
use store::observations::Observed;
use store::rules::Rules;
use vitals::alert::{self, AlertState, Observation, Phase, Step, Transition};
use vitals::matcher::Labels;
use vitals::rule::Rule;

/// What an alert is about: the rule, the target, and what of the target.
type Key<'a> = (&'a str, i32, &'a str);

/// What an evaluation knows beside the observations.
pub(crate) struct Evaluation<'a> {
    /// The rules.
    pub(crate) rules: &'a Rules,
    /// The alert that an observation continues, if there is one.
    pub(crate) current: &'a [Alert],
    /// The time by which everything is judged.
    pub(crate) now: DateTime<Utc>,
}

/// An alert that is open or has just ended, as it stands after this evaluation.
#[derive(Debug)]
pub(crate) struct Standing<'a> {
    /// Its rule.
    pub(crate) rule: &'a Rule,
    /// The target.
    pub(crate) target_id: i32,
    /// What of the target.
    pub(crate) subject: &'a str,
    /// The same for people.
    pub(crate) subject_label: &'a str,
    /// What the subject belongs to.
    pub(crate) labels: Labels,
    /// What there was of it before.
    pub(crate) previous: Option<&'a Alert>,
    /// What is seen.
    pub(crate) observation: Observation,
    /// How it stands.
    pub(crate) state: AlertState,
    /// How it moved, if it did.
    pub(crate) transition: Option<Transition>,
    /// Whether its row has to be written.
    pub(crate) is_changed: bool,
}

/// What comes of the observations.
#[derive(Debug, Default)]
pub(crate) struct Evaluated<'a> {
    /// The alerts that are open or have just ended.
    pub(crate) standing: Vec<Standing<'a>>,
    /// The alerts that came to nothing.
    pub(crate) forgotten: Vec<Change>,
}

impl Standing<'_> {
    /// Whether there may be something to tell of it.
    pub(crate) fn is_news(&self) -> bool {
        matches!(self.state.phase, Phase::Firing | Phase::Resolved)
    }
}

impl Evaluated<'_> {
    /// What is bad, by target and rule: what keeps others from being told.
    pub(crate) fn causes(&self) -> HashSet<(i32, &str)> {
        self.standing
            .iter()
            .filter(|alert| matches!(alert.state.phase, Phase::Pending | Phase::Firing))
            .map(|alert| (alert.target_id, alert.rule.rule_id()))
            .collect()
    }
}

impl<'a> Evaluation<'a> {
    /// How every alert stands after these observations. Those that nothing was observed of stay as they are.
    pub(crate) fn evaluate(&self, observed: &'a [Observed]) -> Evaluated<'a> {
        let mut unseen: BTreeMap<Key<'a>, &'a Alert> = self
            .current
            .iter()
            .map(|alert| {
                (
                    (alert.rule_id.as_str(), alert.target_id, alert.subject.as_str()),
                    alert,
                )
            })
            .collect();
        let mut evaluated = Evaluated::default();
        for observed in observed {
            let key = (
                observed.rule_id.as_str(),
                observed.target_id,
                observed.subject.as_str(),
            );
            let previous = unseen.remove(&key);
            if let Some(rule) = self.rules.find(&observed.rule_id) {
                self.step(rule, observed, previous, &mut evaluated);
            }
        }
        let unseen = unseen
            .into_values()
            .filter(|alert| alert.state.phase != Phase::Resolved);
        for alert in unseen {
            if let Some(rule) = self.rules.find(&alert.rule_id) {
                evaluated
                    .standing
                    .push(unchanged(rule, alert, Observation::NoData));
            }
        }
        evaluated
    }

    fn step(
        &self,
        rule: &'a Rule,
        observed: &'a Observed,
        previous: Option<&'a Alert>,
        evaluated: &mut Evaluated<'a>,
    ) {
        let observation = match observed.observation {
            Observation::Value(value) => rule.observe(Some(value), observed.traffic),
            other => other,
        };
        let step = alert::step(rule, previous.map(|alert| &alert.state), observation, self.now);
        let open = previous.filter(|alert| alert.state.phase != Phase::Resolved);
        let (state, transition) = match step {
            Step::Keep => {
                evaluated
                    .standing
                    .extend(open.map(|alert| unchanged(rule, alert, observation)));
                return;
            }
            Step::Drop => {
                evaluated.forgotten.push(Change {
                    rule_id: observed.rule_id.clone(),
                    target_id: observed.target_id,
                    subject: observed.subject.clone(),
                    subject_label: observed.subject_label.clone(),
                    action: Action::Forget,
                });
                return;
            }
            Step::Open { next, transition } | Step::Update { next, transition } => (next, transition),
        };
        evaluated.standing.push(Standing {
            rule,
            target_id: observed.target_id,
            subject: &observed.subject,
            subject_label: &observed.subject_label,
            labels: labels(observed, open),
            previous: open,
            observation,
            state,
            transition,
            is_changed: true,
        });
    }
}

/// What the subject belongs to. Where nothing is seen of it any more, what it belonged to.
fn labels(observed: &Observed, open: Option<&Alert>) -> Labels {
    let mut labels = open.map(|alert| alert.labels.clone()).unwrap_or_default();
    labels.extend(observed.labels.clone());
    labels
}

/// An open alert of which there is nothing new.
fn unchanged<'a>(rule: &'a Rule, alert: &'a Alert, observation: Observation) -> Standing<'a> {
    Standing {
        rule,
        target_id: alert.target_id,
        subject: &alert.subject,
        subject_label: &alert.subject_label,
        labels: alert.labels.clone(),
        previous: Some(alert),
        observation,
        state: alert.state.clone(),
        transition: None,
        is_changed: false,
    }
}

#[cfg(test)]
mod tests;
