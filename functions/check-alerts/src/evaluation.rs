//! From what is observed to what becomes of each alert.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use store::alerts::{Action, Alert, Change};
use store::observations::Observed;
use store::rules::Rules;
use vitals::alert::{self, AlertState, Observation, Step, Transition};
use vitals::notification::{Facts, Notification};
use vitals::rule::Rule;

/// What an evaluation knows beside the observations.
pub(crate) struct Evaluation<'a> {
    /// The rules.
    pub(crate) rules: &'a Rules,
    /// The alert that an observation continues, if there is one.
    pub(crate) current: &'a [Alert],
    /// The names of the targets.
    pub(crate) targets: &'a HashMap<i32, String>,
    /// Where links lead to.
    pub(crate) external_url: &'a str,
    /// The time by which everything is judged.
    pub(crate) now: DateTime<Utc>,
}

impl Evaluation<'_> {
    /// What becomes of each alert that changes, begins or ends.
    pub(crate) fn changes(&self, observed: &[Observed]) -> Vec<Change> {
        let current: HashMap<_, _> = self
            .current
            .iter()
            .map(|alert| {
                (
                    (alert.rule_id.as_str(), alert.target_id, alert.subject.as_str()),
                    &alert.state,
                )
            })
            .collect();
        observed
            .iter()
            .filter_map(|observed| {
                let key = (
                    observed.rule_id.as_str(),
                    observed.target_id,
                    observed.subject.as_str(),
                );
                self.change(observed, current.get(&key).copied())
            })
            .collect()
    }

    fn change(&self, observed: &Observed, previous: Option<&AlertState>) -> Option<Change> {
        let rule = self.rules.find(&observed.rule_id)?;
        let observation = match observed.observation {
            Observation::Value(value) => rule.observe(Some(value), observed.traffic),
            other => other,
        };
        let step = alert::step(rule, previous, observation, self.now);
        let action = match &step {
            Step::Keep => return None,
            Step::Drop => Action::Forget,
            Step::Open { next, transition } | Step::Update { next, transition } => Action::Write {
                next: next.clone(),
                told: transition.map(|transition| {
                    (
                        transition,
                        self.told(rule, observed, observation, next, transition),
                    )
                }),
            },
        };
        Some(Change {
            rule_id: observed.rule_id.clone(),
            target_id: observed.target_id,
            subject: observed.subject.clone(),
            subject_label: observed.subject_label.clone(),
            action,
        })
    }

    /// The notification of a transition, as it lies in the outbox.
    fn told(
        &self,
        rule: &Rule,
        observed: &Observed,
        observation: Observation,
        state: &AlertState,
        transition: Transition,
    ) -> serde_json::Value {
        let unknown = format!("target {}", observed.target_id);
        let dashboard_url = format!("{}/health/targets", self.external_url);
        let notification = Notification::new(&Facts {
            rule,
            target: self.targets.get(&observed.target_id).unwrap_or(&unknown),
            subject: &observed.subject,
            subject_label: &observed.subject_label,
            state,
            transition,
            observation,
            at: self.now,
            trend: &[],
            runbook_url: rule.runbook(),
            dashboard_url: Some(&dashboard_url),
        });
        // A notification is made of texts, times and finite numbers, all of which JSON has.
        serde_json::to_value(notification).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::TimeDelta;
    use vitals::rule::{Metric, RuleDefinition};
    use vitals::unit::Unit;

    use super::*;

    fn rule() -> Rule {
        Rule::new(RuleDefinition {
            rule_id: "slow_statement".to_owned(),
            summary: "A statement is slow".to_owned(),
            metric: Metric::new("statement_mean_ms", Unit::Milliseconds, "mean execution time")
                .about("statement"),
            warning: Some(250.0),
            critical: Some(500.0),
            emergency: Some(1000.0),
            resolve: 225.0,
            cooldown_seconds: 0,
            minimum_traffic: 3,
            runbook: Some("docs/runbooks/slow_statement.md".to_owned()),
            ..RuleDefinition::default()
        })
        .unwrap()
    }

    fn observed(observation: Observation, traffic: i64) -> Observed {
        Observed {
            rule_id: "slow_statement".to_owned(),
            target_id: 1,
            subject: "5/10/42/t".to_owned(),
            subject_label: "select pg_sleep($1)".to_owned(),
            labels: BTreeMap::from([("database".to_owned(), "shop".to_owned())]),
            observation,
            traffic,
        }
    }

    /// Feeds observations ten seconds apart and gives what was told.
    fn told(observations: &[(Observation, i64)]) -> Vec<serde_json::Value> {
        let rules = Rules {
            valid: vec![rule()],
            faults: Vec::new(),
        };
        let targets = HashMap::from([(1, "shop".to_owned())]);
        let mut now = DateTime::UNIX_EPOCH;
        let mut current: Vec<Alert> = Vec::new();
        let mut told = Vec::new();
        for (observation, traffic) in observations {
            now += TimeDelta::seconds(10);
            let evaluation = Evaluation {
                rules: &rules,
                current: &current,
                targets: &targets,
                external_url: "http://x",
                now,
            };
            for change in evaluation.changes(&[observed(*observation, *traffic)]) {
                let Action::Write { next, told: news } = change.action else {
                    panic!("nothing was pending")
                };
                told.extend(news.map(|(_, notification)| notification));
                current = vec![Alert {
                    alert_id: 1,
                    rule_id: change.rule_id,
                    target_id: change.target_id,
                    target: "shop".to_owned(),
                    subject: change.subject,
                    subject_label: change.subject_label,
                    state: next,
                }];
            }
        }
        told
    }

    #[test]
    fn a_breach_is_told_once_and_so_is_its_end() {
        let told = told(&[
            (Observation::Value(600.0), 4),
            (Observation::Value(600.0), 4),
            (Observation::NoData, 0),
            (Observation::Idle, 0),
            (Observation::Idle, 0),
        ]);
        let events: Vec<_> = told.iter().map(|news| news["event"].as_str().unwrap()).collect();
        assert_eq!(events, ["firing", "resolved"]);
        assert_eq!(told[0]["level"], "critical");
        assert_eq!(told[0]["target"], "shop");
        assert!(
            told[0]["summary"]
                .as_str()
                .unwrap()
                .contains("select pg_sleep($1)"),
            "{}",
            told[0]
        );
    }

    #[test]
    fn too_little_traffic_says_nothing() {
        assert!(told(&[(Observation::Value(600.0), 2)]).is_empty());
    }

    #[test]
    fn an_observation_of_a_rule_that_is_not_known_changes_nothing() {
        let rules = Rules::default();
        let targets = HashMap::new();
        let evaluation = Evaluation {
            rules: &rules,
            current: &[],
            targets: &targets,
            external_url: "http://x",
            now: DateTime::UNIX_EPOCH,
        };
        assert!(
            evaluation
                .changes(&[observed(Observation::Value(600.0), 4)])
                .is_empty()
        );
    }
}
