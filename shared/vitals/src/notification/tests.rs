use super::*;
use crate::alert::{Phase, step};
use crate::rule::tests::{cache_hit, slow_statement};

const STATEMENT: &str = "select * from events where patient_id = $1 and at > $2 & 'x' <> $3";

/// A statement that got slow, then very slow, then was not run any more.
pub(crate) fn story() -> [Notification; 3] {
    let rule = Rule::new(slow_statement()).unwrap();
    let start: DateTime<Utc> = "2026-11-21T10:02:00Z".parse().unwrap();
    let mut state: Option<AlertState> = None;
    [
        (0, Observation::Value(612.34)),
        (95, Observation::Value(2_500.0)),
        (200, Observation::Idle),
    ]
    .map(|(seconds, observation)| {
        let at = start + TimeDelta::seconds(seconds);
        let step = step(&rule, state.as_ref(), observation, at);
        state = step.next().cloned();
        Notification::new(&Facts {
            rule: &rule,
            target: "main",
            subject: "16384/10/-5231246523/t",
            subject_label: STATEMENT,
            labels: &BTreeMap::new(),
            state: step.next().unwrap(),
            event: step.transition().unwrap().into(),
            previous_level: match step.transition().unwrap() {
                Transition::LevelChanged { from, .. } => Some(from),
                _ => None,
            },
            observation,
            at,
            acknowledged: None,
            responses: &[],
            trend: &[12.0, 14.0, f64::NAN, 300.0, 612.34],
            runbook_url: Some("https://pgvitals.example/runbooks/slow-statement"),
            dashboard_url: Some("http://127.0.0.1:3000/"),
        })
    })
}

#[test]
fn a_sentence_says_what_where_and_how_far_over() {
    let [firing, worse, resolved] = story();
    insta::assert_snapshot!(firing.summary, @"main (statement select * from events where patient_id = $1 and at > $2 & 'x' <> $3): mean execution time is 612 ms, critical is above 500 ms");
    insta::assert_snapshot!(worse.summary, @"main (statement select * from events where patient_id = $1 and at > $2 & 'x' <> $3): mean execution time is 2.5 s, now emergency (above 1 s), critical before, bad for 1 min 35 s");
    insta::assert_snapshot!(resolved.summary, @"main (statement select * from events where patient_id = $1 and at > $2 & 'x' <> $3): nothing happens there any more after 3 min 20 s (emergency was mean execution time above 1 s)");
    assert_eq!(firing.headline(), "[CRITICAL] main: slow_statement");
    assert_eq!(resolved.headline(), "[RESOLVED] main: slow_statement");
    assert_eq!(firing.trend_line(), "▁▁▄█");
}

#[test]
fn messages_of_one_incident_share_its_key() {
    let [firing, worse, resolved] = story();
    assert_eq!(firing.incident, "slow_statement/main/16384/10/-5231246523/t");
    assert!(worse.incident == firing.incident && resolved.incident == firing.incident);
    assert_eq!([firing.sequence, worse.sequence, resolved.sequence], [1, 2, 3]);
    assert_eq!([firing.ratio.map(f64::round), resolved.ratio], [Some(1.0), None]);
}

#[test]
fn the_outbox_gives_back_what_was_put_in() {
    for notification in story() {
        let mut stored = serde_json::to_value(&notification).unwrap();
        assert_eq!(
            serde_json::from_value::<Notification>(stored.clone()).unwrap(),
            notification
        );
        stored["alert_id"] = 7.into();
        assert_eq!(
            serde_json::from_value::<Notification>(stored).unwrap().alert_id,
            Some(7)
        );
    }
}

#[test]
fn what_was_queued_by_an_older_release_is_still_read() {
    let [firing, ..] = story();
    let mut stored = serde_json::to_value(&firing).unwrap();
    for field in [
        "labels",
        "advice",
        "acknowledged",
        "responses",
        "no_data_since",
        "flapping",
    ] {
        stored.as_object_mut().unwrap().remove(field);
    }
    assert_eq!(serde_json::from_value::<Notification>(stored).unwrap(), firing);
}

#[test]
fn every_kind_of_news_has_its_sentence() {
    let rule = Rule::new(cache_hit()).unwrap();
    let at: DateTime<Utc> = "2026-11-21T10:02:00Z".parse().unwrap();
    let mut state = step(&rule, None, Observation::Value(76.0), at)
        .next()
        .unwrap()
        .clone();
    let said = |state: &AlertState, event, observation| {
        let notification = Notification::new(&Facts {
            rule: &rule,
            target: "main",
            subject: "orders",
            subject_label: "orders",
            labels: &BTreeMap::new(),
            state,
            event,
            previous_level: None,
            observation,
            at: at + TimeDelta::minutes(12),
            trend: &[],
            runbook_url: None,
            dashboard_url: None,
            acknowledged: None,
            responses: &[],
        });
        notification.summary
    };
    insta::assert_snapshot!(said(&state, Event::Escalated, Observation::Value(76.0)), @"main (database orders): cache hit ratio is 76 %, emergency (below 80 %) for 12 min, and nobody who was told before has reacted");
    insta::assert_snapshot!(said(&state, Event::Reminder, Observation::Value(76.0)), @"main (database orders): cache hit ratio is 76 %, still emergency (below 80 %), bad for 12 min");
    state.no_data_since = Some(at + TimeDelta::minutes(2));
    insta::assert_snapshot!(said(&state, Event::Reminder, Observation::NoData), @"main (database orders): cache hit ratio was 76 %, not known since 10:04:00 UTC, still emergency (below 80 %), bad for 12 min");
    state.value = None;
    insta::assert_snapshot!(said(&state, Event::Firing, Observation::NoData), @"main (database orders): cache hit ratio is not known, emergency is below 80 %");
    state.no_data_since = None;
    state.flaps.damped = true;
    insta::assert_snapshot!(said(&state, Event::Firing, Observation::Value(76.0)), @"main (database orders): cache hit ratio is 76 %, emergency is below 80 %; it comes and goes, and stays open until it has been calm for some time");
}

#[test]
fn less_is_worse_is_told_so_too() {
    let rule = Rule::new(cache_hit()).unwrap();
    let at: DateTime<Utc> = "2026-11-21T10:02:00Z".parse().unwrap();
    let observation = Observation::Value(76.0);
    let step = step(&rule, None, observation, at);
    assert_eq!(step.next().map(|alert| alert.phase), Some(Phase::Firing));
    let notification = Notification::new(&Facts {
        rule: &rule,
        target: "main",
        subject: "orders",
        subject_label: "orders",
        labels: &BTreeMap::new(),
        state: step.next().unwrap(),
        event: Event::Firing,
        previous_level: None,
        observation,
        at,
        trend: &[],
        runbook_url: None,
        dashboard_url: None,
        acknowledged: None,
        responses: &[],
    });
    insta::assert_snapshot!(notification.summary, @"main (database orders): cache hit ratio is 76 %, emergency is below 80 %");
    assert_eq!(
        notification.ratio.map(|ratio| (ratio * 100.0).round()),
        Some(105.0)
    );
}
