//! Alerts and their messages.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use db::{Connection, DbError, Preamble, unit_of_work};
use serde_json::json;
use store::alerts::{self, Action, Alert, Applied, Change, Message, News, Written};
use store::channels::{self, Address};
use vitals::alert::{AlertState, Observation, Phase, Step, step};
use vitals::level::Level;
use vitals::matcher::Labels;
use vitals::notification::Event;
use vitals::route::{Routing, Standing, Told};

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
        let told = alerts::told(client).await?;
        let told = alert.and_then(|alert| told.get(&alert.alert_id));
        let (routing, _) = store::routes::routing(client).await?;
        let change = change(target_id, &step, &routing, told.unwrap_or(&BTreeMap::new()), now);
        Ok(Some(
            alerts::apply(client, &change.into_iter().collect::<Vec<_>>()).await?,
        ))
    })
    .await;
    outcome.unwrap()
}

fn change(
    target_id: i32,
    step: &Step,
    routing: &Routing,
    told: &BTreeMap<i32, Told>,
    now: DateTime<Utc>,
) -> Option<Change> {
    let action = match (step, step.next()) {
        (Step::Keep, _) => return None,
        (_, None) => Action::Forget,
        (_, Some(next)) => Action::Write(Box::new(Written {
            next: next.clone(),
            labels: Labels::from([("database".to_owned(), "shop".to_owned())]),
            suppressed_by: None,
            news: news(step, next, routing, told, now),
        })),
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

fn news(
    step: &Step,
    next: &AlertState,
    routing: &Routing,
    told: &BTreeMap<i32, Told>,
    now: DateTime<Utc>,
) -> Option<News> {
    let standing = Standing {
        labels: &Labels::new(),
        level: next.level,
        is_over: next.phase == Phase::Resolved,
        opened_at: next.opened_at?,
        acknowledged_at: None,
        is_quiet: false,
        told,
    };
    let messages: Vec<_> = routing
        .messages(&standing, now)
        .into_iter()
        .map(|message| Message {
            channel_id: message.channel_id,
            event: message.event,
            said: json!({"event": message.event}),
        })
        .collect();
    (step.transition().is_some() || !messages.is_empty()).then(|| News {
        transition: step.transition(),
        notification: json!({"what": "slow", "level": next.level}),
        messages,
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
    let client = &room.store;
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
    let unknown = evaluate(client, target, Observation::NoData).await.unwrap();
    assert_eq!(unknown, seen, "it is written since when nothing is known");
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
                    where payload - 'level' = jsonb_build_object(
                      'what', 'slow', 'event', event, 'alert_id', alert_id, 'sequence', sequence
                    )";
    assert_eq!(room.number(numbered).await, 5);

    // Its flapping is remembered for an hour: so long the resolved alert still counts.
    assert_eq!(only(client).await.state.phase, Phase::Resolved);
    room.run("update monitoring.alerts set resolved_at = now() - interval '3601 seconds'")
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
    let client = &room.store;
    let target = room.target("t").await;
    let url = Address::Url("https://example.com/hook".to_owned());
    channels::add(client, "told", "webhook", &url, Level::Warning)
        .await
        .unwrap();
    channels::add(client, "worst", "webhook", &url, Level::Emergency)
        .await
        .unwrap();
    assert_eq!(
        evaluate(client, target, Observation::Value(600.0))
            .await
            .unwrap()
            .queued,
        1
    );
    assert_eq!(
        evaluate(client, target, Observation::Idle).await.unwrap().queued,
        1
    );
    let told = "select count(*) from monitoring.outbox join monitoring.channels using (channel_id) where name = 'told'";
    assert_eq!(room.number(told).await, 2);
    let know = "select count(*) from monitoring.alert_channels where told_level = 'ok' and told_sequence = 2";
    assert_eq!(room.number(know).await, 1);
}

#[tokio::test]
async fn a_channel_that_is_added_later_hears_of_what_still_fires() {
    let room = Monitoring::new("later_channel").await;
    let client = &room.store;
    let target = room.target("t").await;
    let fired = evaluate(client, target, Observation::Value(600.0)).await.unwrap();
    assert_eq!((fired.transitions, fired.queued), (1, 0));
    let url = Address::Url("https://example.com/hook".to_owned());
    channels::add(client, "later", "webhook", &url, Level::Warning)
        .await
        .unwrap();
    let told = evaluate(client, target, Observation::Value(610.0)).await.unwrap();
    assert_eq!((told.transitions, told.queued), (0, 1));
    assert_eq!(
        only(client).await.state.sequence,
        2,
        "what is told has a number of its own"
    );
    let told = evaluate(client, target, Observation::Value(610.0)).await.unwrap();
    assert_eq!(told.queued, 0);
}

#[tokio::test]
async fn what_is_announced_goes_to_those_who_know_while_it_fires() {
    let room = Monitoring::new("announced").await;
    let client = &room.store;
    let target = room.target("t").await;
    let url = Address::Url("https://example.com/hook".to_owned());
    channels::add(client, "knows", "webhook", &url, Level::Warning)
        .await
        .unwrap();
    evaluate(client, target, Observation::Value(600.0)).await;
    channels::add(client, "later", "webhook", &url, Level::Warning)
        .await
        .unwrap();
    let alert_id = only(client).await.alert_id;
    let done = json!({"responses": [{"action": "analyze_table", "outcome": "done", "detail": "12 ms"}]});
    let announce = async || {
        alerts::announce(client, alert_id, Event::Response, done.clone())
            .await
            .unwrap()
    };
    assert_eq!(announce().await, 1);
    let said = "select count(*) from monitoring.outbox
                where event = 'response' and sequence = 2 and payload ->> 'what' = 'slow'
                  and payload ->> 'event' = 'response' and payload #>> '{responses,0,outcome}' = 'done'";
    assert_eq!(room.number(said).await, 1);
    assert_eq!(only(client).await.responses[0].action, "analyze_table");
    evaluate(client, target, Observation::Idle).await;
    assert_eq!(announce().await, 0, "nothing comes after the end");
}

#[tokio::test]
async fn what_is_acknowledged_counts_until_it_gets_worse() {
    let room = Monitoring::new("acknowledged").await;
    let client = &room.store;
    let target = room.target("t").await;
    evaluate(client, target, Observation::Value(300.0)).await;
    let alert_id = only(client).await.alert_id;
    assert!(
        alerts::acknowledge(client, alert_id, "ada", Some("on it"))
            .await
            .unwrap()
    );
    let alert = only(client).await;
    let acknowledged = alert.acknowledged_at_level(Level::Warning).unwrap();
    assert_eq!(
        (acknowledged.by.as_str(), acknowledged.note.as_deref()),
        ("ada", Some("on it"))
    );
    assert_eq!(alert.acknowledged_at_level(Level::Critical), None);
    let listed = alerts::list(client, Duration::ZERO).await.unwrap();
    assert_eq!(listed[0].acknowledged.as_ref(), Some(acknowledged));
    evaluate(client, target, Observation::Idle).await;
    assert!(!alerts::acknowledge(client, alert_id, "ada", None).await.unwrap());
    assert_eq!(alerts::list(client, Duration::ZERO).await.unwrap(), []);
    assert_eq!(
        alerts::list(client, Duration::from_secs(60)).await.unwrap().len(),
        1
    );
    let happened: Vec<_> = alerts::history(client, alert_id).await.unwrap();
    let happened: Vec<_> = happened.iter().map(|happening| happening.what.as_str()).collect();
    assert_eq!(happened, ["ok → warning", "warning → ok"]);
}

#[tokio::test]
async fn what_is_not_known_has_a_row_until_it_is_known() {
    let room = Monitoring::new("no_data").await;
    let client = &room.store;
    let target = room.target("t").await;
    let opened = evaluate(client, target, Observation::NoData).await.unwrap();
    assert_eq!((opened.opened, opened.transitions), (1, 0));
    let state = only(client).await.state;
    assert_eq!((state.phase, state.value), (Phase::NoData, None));
    assert_eq!(
        evaluate(client, target, Observation::NoData).await.unwrap(),
        Applied::default()
    );
    let known = evaluate(client, target, Observation::Value(1.0)).await.unwrap();
    assert_eq!(known.forgotten, 1);
}

#[tokio::test]
async fn a_pending_alert_that_comes_to_nothing_leaves_no_trace() {
    let room = Monitoring::new("pending").await;
    let client = &room.store;
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
    evaluate(&room.store, target, Observation::Value(600.5)).await;
    let state: AlertState = only(&room.store).await.state;
    assert_eq!(
        (state.phase, state.level, state.sequence),
        (Phase::Firing, Level::Critical, 1)
    );
    assert_eq!(
        (state.value, state.threshold, state.resolved_at),
        (Some(600.5), 500.0, None)
    );
    assert_eq!(state.opened_at, Some(state.level_since));
    let step = Step::Update {
        next: state.clone(),
        transition: None,
    };
    let routing = Routing::default();
    let again = change(target, &step, &routing, &BTreeMap::new(), state.last_seen_at).unwrap();
    alerts::apply(&room.store, &[again]).await.unwrap();
    let alert = only(&room.store).await;
    assert_eq!(alert.state, state);
    assert_eq!(alert.labels["database"], "shop");
}

#[tokio::test]
async fn eight_evaluators_at_once_open_one_alert() {
    let room = Monitoring::new("eight_evaluators").await;
    let target = room.target("t").await;
    let url = Address::Url("https://example.com/hook".to_owned());
    channels::add(&room.store, "all", "webhook", &url, Level::Warning)
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
    evaluate(&room.store, target, Observation::Value(600.0)).await;
    let second = "insert into monitoring.alerts (rule_id, target_id, subject, subject_label, state, level, value, threshold, opened_at)
                  select rule_id, target_id, subject, subject_label, state, level, value, threshold, opened_at from monitoring.alerts";
    assert_eq!(crate::refusal(&room.store, second).await, "23505");
}
