//! Alerts and their messages.

use std::time::Duration;

use db::{Connection, DbError, Preamble, unit_of_work};
use serde_json::json;
use store::alerts::{self, Action, Alert, Applied, Change};
use store::channels::{self, Address};
use vitals::alert::{AlertState, Observation, Phase, Step, step};
use vitals::level::Level;

use crate::Monitoring;

const SUBJECT: &str = "1/1/1/t";

/// What `check-alerts` does, for one subject of one rule: gives what was written, or nothing when another was at it.
async fn evaluate(client: &Connection, target_id: i32, observation: Observation) -> Option<Applied> {
    let preamble = Preamble::new("pgvitals/test");
    let outcome: Result<_, DbError> = unit_of_work(client, &preamble, async |client| {
        let Some(now) = alerts::lock_evaluator(client).await? else {
            return Ok(None);
        };
        let rules = store::rules::all(client).await?;
        let rule = rules.find("slow_statement").unwrap();
        let current = alerts::current(client).await?;
        let alert = current
            .iter()
            .find(|alert| alert.subject == SUBJECT && alert.target_id == target_id);
        let step = step(rule, alert.map(|alert| &alert.state), observation, now);
        Ok(Some(
            alerts::apply(client, &change(target_id, &step).into_iter().collect::<Vec<_>>()).await?,
        ))
    })
    .await;
    outcome.unwrap()
}

fn change(target_id: i32, step: &Step) -> Option<Change> {
    let told = step
        .transition()
        .map(|transition| (transition, json!({"what": "slow"})));
    let action = match (step, step.next()) {
        (Step::Keep, _) => return None,
        (_, None) => Action::Forget,
        (_, Some(next)) => Action::Write {
            next: next.clone(),
            told,
        },
    };
    let (rule_id, subject) = ("slow_statement".to_owned(), SUBJECT.to_owned());
    Some(Change {
        rule_id,
        target_id,
        subject,
        subject_label: "select $1".to_owned(),
        action,
    })
}

async fn only(client: &Connection) -> Alert {
    let mut current = alerts::current(client).await.unwrap();
    assert_eq!(current.len(), 1);
    current.remove(0)
}

#[tokio::test]
async fn an_alert_opens_rises_and_resolves_with_a_message_each() {
    let room = Monitoring::new("alert_life").await;
    let client = &room.collector;
    let target = room.target("t").await;
    let url = || Address::Url("https://example.com/hook".to_owned());
    channels::add(client, "all", "webhook", &url(), Level::Warning)
        .await
        .unwrap();
    channels::add(
        client,
        "worst",
        "slack",
        &Address::Secret("pager".to_owned()),
        Level::Critical,
    )
    .await
    .unwrap();
    channels::add(client, "off", "webhook", &url(), Level::Warning)
        .await
        .unwrap();
    channels::set_enabled(client, "off", false).await.unwrap();

    let opened = evaluate(client, target, Observation::Value(300.0)).await.unwrap();
    assert_eq!(
        opened,
        Applied {
            opened: 1,
            transitions: 1,
            queued: 1,
            ..Applied::default()
        }
    );
    let seen = evaluate(client, target, Observation::Value(310.0)).await.unwrap();
    assert_eq!(
        seen,
        Applied {
            changed: 1,
            ..Applied::default()
        }
    );
    let risen = evaluate(client, target, Observation::Value(600.0)).await.unwrap();
    assert_eq!(
        risen,
        Applied {
            changed: 1,
            transitions: 1,
            queued: 2,
            ..Applied::default()
        }
    );
    assert_eq!(
        evaluate(client, target, Observation::NoData).await.unwrap(),
        Applied::default()
    );
    let resolved = evaluate(client, target, Observation::Idle).await.unwrap();
    assert_eq!(
        resolved,
        Applied {
            changed: 1,
            transitions: 1,
            queued: 2,
            ..Applied::default()
        }
    );

    let levels = "select count(*) from monitoring.alert_transitions
                  where (sequence, from_level, to_level) in
                        ((1, 'ok', 'warning'), (2, 'warning', 'critical'), (3, 'critical', 'ok'))";
    assert_eq!(room.number(levels).await, 3);
    let numbered = "select count(*) from monitoring.outbox
                    where payload = jsonb_build_object('what', 'slow', 'alert_id', alert_id, 'sequence', sequence)";
    assert_eq!(room.number(numbered).await, 5);

    // Its rule's cooldown runs: the resolved alert still counts, until it is over.
    assert_eq!(only(client).await.state.phase, Phase::Resolved);
    room.run("update monitoring.alerts set resolved_at = now() - interval '301 seconds'")
        .await;
    assert_eq!(alerts::current(client).await.unwrap(), []);
    assert_eq!(
        evaluate(client, target, Observation::Value(300.0))
            .await
            .unwrap()
            .opened,
        1
    );
    assert_eq!(room.number("select count(*) from monitoring.alerts").await, 2);
}

#[tokio::test]
async fn a_recovery_goes_to_whom_the_alert_went_and_to_nobody_else() {
    let room = Monitoring::new("recovery").await;
    let client = &room.collector;
    let target = room.target("t").await;
    let url = Address::Url("https://example.com/hook".to_owned());
    channels::add(client, "told", "webhook", &url, Level::Critical)
        .await
        .unwrap();
    evaluate(client, target, Observation::Value(600.0)).await;
    room.run("update monitoring.alerts set level_since = now() - interval '1 hour'")
        .await;
    channels::add(client, "later", "webhook", &url, Level::Critical)
        .await
        .unwrap();

    assert_eq!(
        evaluate(client, target, Observation::Value(300.0))
            .await
            .unwrap()
            .queued,
        1,
        "down to warning"
    );
    assert_eq!(
        evaluate(client, target, Observation::Idle).await.unwrap().queued,
        1
    );
    let told = "select count(*) from monitoring.outbox join monitoring.channels using (channel_id) where name = 'told'";
    assert_eq!(room.number(told).await, 3);
}

#[tokio::test]
async fn a_pending_alert_that_comes_to_nothing_leaves_no_trace() {
    let room = Monitoring::new("pending").await;
    let client = &room.collector;
    let target = room.target("t").await;
    room.run("update monitoring.rules set for_seconds = 60").await;
    let opened = evaluate(client, target, Observation::Value(600.0)).await.unwrap();
    assert_eq!(
        opened,
        Applied {
            opened: 1,
            ..Applied::default()
        }
    );
    assert_eq!(only(client).await.state.phase, Phase::Pending);
    assert_eq!(
        evaluate(client, target, Observation::Idle)
            .await
            .unwrap()
            .forgotten,
        1
    );
    assert_eq!(room.number("select count(*) from monitoring.alerts").await, 0);
}

#[tokio::test]
async fn a_state_comes_back_as_it_was_written() {
    let room = Monitoring::new("alert_state").await;
    let target = room.target("t").await;
    evaluate(&room.collector, target, Observation::Value(600.5)).await;
    let state: AlertState = only(&room.collector).await.state;
    assert_eq!(
        (state.phase, state.level, state.sequence),
        (Phase::Firing, Level::Critical, 1)
    );
    assert_eq!(
        (state.value, state.threshold, state.resolved_at),
        (600.5, 500.0, None)
    );
    assert_eq!(state.opened_at, Some(state.level_since));
    let again = change(
        target,
        &Step::Update {
            next: state.clone(),
            transition: None,
        },
    )
    .unwrap();
    alerts::apply(&room.collector, &[again]).await.unwrap();
    assert_eq!(only(&room.collector).await.state, state);
}

#[tokio::test]
async fn eight_evaluators_at_once_open_one_alert() {
    let room = Monitoring::new("eight_evaluators").await;
    let target = room.target("t").await;
    let url = Address::Url("https://example.com/hook".to_owned());
    channels::add(&room.collector, "all", "webhook", &url, Level::Warning)
        .await
        .unwrap();
    let mut evaluators = Vec::new();
    for _ in 0..8 {
        evaluators.push(room.another().await);
    }
    let running = evaluators.into_iter().map(|client| {
        tokio::spawn(async move {
            let mut opened = 0;
            for _ in 0..10 {
                let applied = evaluate(&client, target, Observation::Value(600.0))
                    .await
                    .unwrap_or_default();
                opened += applied.opened;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            opened
        })
    });
    let mut opened = 0;
    for evaluator in running.collect::<Vec<_>>() {
        opened += evaluator.await.unwrap();
    }
    assert_eq!(opened, 1);
    assert_eq!(room.number("select count(*) from monitoring.alerts").await, 1);
    assert_eq!(room.number("select count(*) from monitoring.outbox").await, 1);
}

/// The lock keeps evaluators apart; the index keeps the promise if one should ever come without it.
#[tokio::test]
async fn without_the_lock_there_is_still_one_open_alert() {
    let room = Monitoring::new("no_lock").await;
    let target = room.target("t").await;
    evaluate(&room.collector, target, Observation::Value(600.0)).await;
    let second = "insert into monitoring.alerts (rule_id, target_id, subject, subject_label, state, level, value, threshold, opened_at)
                  select rule_id, target_id, subject, subject_label, state, level, value, threshold, opened_at from monitoring.alerts";
    assert_eq!(crate::refusal(&room.collector, second).await, "23505");
}
