use store::observations::Observed;
use store::rules::Rules;
use vitals::alert::Observation;
use vitals::level::Level;
use vitals::notification::Event;
use vitals::route::Channel;
use vitals::rule::{Metric, Rule, RuleDefinition};
use vitals::unit::Unit;

use super::*;
use crate::evaluation::Evaluation;

const CHANNEL: i32 = 7;

fn rules() -> Rules {
    let rule = |rule_id: &str, inhibited_by: &[&str]| {
        Rule::new(RuleDefinition {
            rule_id: rule_id.to_owned(),
            summary: "It is bad".to_owned(),
            metric: Metric::new(rule_id, Unit::Seconds, "badness"),
            critical: Some(10.0),
            resolve: 10.0,
            inhibited_by: inhibited_by.iter().map(|cause| (*cause).to_owned()).collect(),
            tags: [("team".to_owned(), "dba".to_owned())].into(),
            advice: Some("look at it".to_owned()),
            ..RuleDefinition::default()
        })
        .unwrap()
    };
    Rules {
        valid: vec![rule("target_down", &[]), rule("lag", &["target_down"])],
        faults: Vec::new(),
    }
}

fn observed(rule_id: &str, target_id: i32, value: f64) -> Observed {
    Observed {
        rule_id: rule_id.to_owned(),
        target_id,
        subject: "s".to_owned(),
        subject_label: "S".to_owned(),
        labels: Labels::from([
            ("target".to_owned(), "shop".to_owned()),
            ("database".to_owned(), "app".to_owned()),
        ]),
        observation: Observation::Value(value),
        traffic: 1,
    }
}

/// An installation with one channel.
fn telling() -> Telling {
    let mut telling = Telling {
        targets: [(1, "shop".to_owned())].into(),
        external_url: "http://x".to_owned(),
        ..Telling::default()
    };
    let channel = Channel {
        minimum_level: Level::Warning,
        is_failing: false,
    };
    telling.routing.channels.insert(CHANNEL, channel);
    telling
}

/// What is written of what is observed at first.
fn changes(telling: &Telling, observed: &[Observed]) -> Vec<Written> {
    let rules = rules();
    let evaluation = Evaluation {
        rules: &rules,
        current: &[],
        now: telling.now,
    };
    let evaluated = evaluation.evaluate(observed);
    let cases = telling.cases(&evaluated);
    let written = cases.iter().map(|case| telling.change(case, &[1.0, 2.0]));
    written
        .map(|change| match change.action {
            Action::Write(written) => *written,
            Action::Forget => panic!("there was nothing to forget"),
        })
        .collect()
}

#[test]
fn what_follows_from_something_else_on_the_same_target_is_not_told() {
    let observed = [
        observed("target_down", 1, 60.0),
        observed("lag", 1, 60.0),
        observed("lag", 2, 60.0),
    ];
    let told: Vec<_> = changes(&telling(), &observed)
        .into_iter()
        .map(|written| (written.suppressed_by, written.news.unwrap().messages.len()))
        .collect();
    assert_eq!(
        told,
        [(None, 1), (Some("rule target_down".to_owned()), 0), (None, 1)]
    );
}

#[test]
fn a_message_says_what_where_since_when_and_what_to_do() {
    let news = changes(&telling(), &[observed("lag", 1, 60.0)])[0]
        .news
        .clone()
        .unwrap();
    assert_eq!(news.messages[0].channel_id, CHANNEL);
    assert_eq!(news.messages[0].event, Event::Firing);
    let said: Notification = serde_json::from_value(news.notification).unwrap();
    assert_eq!(
        (said.target.as_str(), said.advice.as_deref()),
        ("shop", Some("look at it"))
    );
    assert_eq!(said.trend, [1.0, 2.0]);
    let labels: Vec<_> = said
        .labels
        .iter()
        .map(|(label, value)| format!("{label}={value}"))
        .collect();
    assert_eq!(labels, ["database=app", "team=dba"]);
    assert_eq!(said.dashboard_url.as_deref(), Some("http://x/health/targets"));
}

#[test]
fn silences_and_routes_can_ask_for_every_label() {
    for (matcher, fits) in [
        ("rule=lag", true),
        ("target=shop", true),
        ("severity=critical", true),
        ("subject=s", true),
        ("database=app", true),
        ("team=dba", true),
        ("team=web", false),
    ] {
        let mut telling = telling();
        telling.silences.push(Silence {
            silence_id: 3,
            matchers: vitals::matcher::Matchers::new(&[matcher.parse().unwrap()]).unwrap(),
            starts_at: telling.now,
            ends_at: telling.now + chrono::TimeDelta::hours(1),
        });
        let written = changes(&telling, &[observed("lag", 1, 60.0)]).remove(0);
        let expected = fits.then(|| "silence 3".to_owned());
        assert_eq!(written.suppressed_by, expected, "{matcher}");
    }
}
