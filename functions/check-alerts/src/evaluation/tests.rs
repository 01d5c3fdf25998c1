use chrono::TimeDelta;
use vitals::rule::{Metric, RuleDefinition};
use vitals::unit::Unit;

use super::*;
use crate::telling::Telling;

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
        labels: Labels::from([("database".to_owned(), "shop".to_owned())]),
        observation,
        traffic,
    }
}

/// An alert as it is read after a change was written.
fn stored(change: &Change) -> Option<Alert> {
    let Action::Write(written) = &change.action else {
        return None;
    };
    Some(Alert {
        alert_id: 1,
        rule_id: change.rule_id.clone(),
        target_id: change.target_id,
        target: "shop".to_owned(),
        subject: change.subject.clone(),
        subject_label: change.subject_label.clone(),
        state: written.next.clone(),
        labels: written.labels.clone(),
        acknowledged: None,
        suppressed_by: written.suppressed_by.clone(),
        responses: Vec::new(),
    })
}

/// Feeds observations ten seconds apart to an installation with one channel, and gives what it was told.
fn told(observations: &[Option<(Observation, i64)>]) -> Vec<serde_json::Value> {
    let rules = Rules {
        valid: vec![rule()],
        faults: Vec::new(),
    };
    let mut telling = Telling {
        targets: [(1, "shop".to_owned())].into(),
        external_url: "http://x".to_owned(),
        ..Telling::default()
    };
    let channel = vitals::route::Channel {
        minimum_level: vitals::level::Level::Warning,
        is_failing: false,
    };
    telling.routing.channels.insert(7, channel);
    let mut current: Vec<Alert> = Vec::new();
    let mut told = Vec::new();
    for seen in observations {
        telling.now += TimeDelta::seconds(10);
        let evaluation = Evaluation {
            rules: &rules,
            current: &current,
            now: telling.now,
        };
        let observed: Vec<_> = seen
            .iter()
            .map(|(observation, traffic)| observed(*observation, *traffic))
            .collect();
        let evaluated = evaluation.evaluate(&observed);
        let cases = telling.cases(&evaluated);
        let changes: Vec<_> = cases.iter().map(|case| telling.change(case, &[])).collect();
        for change in &changes {
            let Action::Write(written) = &change.action else {
                continue;
            };
            let Some(news) = &written.news else { continue };
            for message in &news.messages {
                let last = vitals::route::Told {
                    level: (message.event.as_str() != "resolved").then_some(written.next.level),
                    at: telling.now,
                    is_dead: false,
                };
                telling
                    .told
                    .entry(1)
                    .or_default()
                    .insert(message.channel_id, last);
                told.push(news.notification.clone());
            }
        }
        if let Some(alert) = changes.first().and_then(stored) {
            current = vec![alert];
        }
    }
    told
}

#[test]
fn a_breach_is_told_once_and_so_is_its_end() {
    let told = told(&[
        Some((Observation::Value(600.0), 4)),
        Some((Observation::Value(600.0), 4)),
        Some((Observation::NoData, 0)),
        None,
        Some((Observation::Idle, 0)),
        Some((Observation::Idle, 0)),
    ]);
    let events: Vec<_> = told.iter().map(|news| news["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["firing", "resolved"]);
    assert_eq!(told[0]["level"], "critical");
    assert_eq!(told[0]["target"], "shop");
    assert_eq!(told[0]["labels"]["database"], "shop");
    let summary = told[0]["summary"].as_str().unwrap();
    assert!(summary.contains("select pg_sleep($1)"), "{summary}");
}

#[test]
fn too_little_traffic_says_nothing() {
    assert!(told(&[Some((Observation::Value(600.0), 2))]).is_empty());
}

#[test]
fn an_observation_of_a_rule_that_is_not_known_changes_nothing() {
    let rules = Rules::default();
    let evaluation = Evaluation {
        rules: &rules,
        current: &[],
        now: DateTime::UNIX_EPOCH,
    };
    let observed = [observed(Observation::Value(600.0), 4)];
    let evaluated = evaluation.evaluate(&observed);
    assert!(evaluated.standing.is_empty() && evaluated.forgotten.is_empty());
}
