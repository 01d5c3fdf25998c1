//! Who watches the monitor: the fallback channel when the monitoring database is away, the heartbeat while all is well.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use integration_tests::application::Builder;
use integration_tests::monitored::{COLLECTOR_PASSWORD, Monitored};
use integration_tests::receiver::Answer;
use integration_tests::{Application, Database, DedicatedServer, Receiver, Server};
use serde_json::Value;
use store::logins::Login;

/// How long an outage lasts before it is told, and a little more.
const PATIENCE: Duration = Duration::from_secs(11);

/// An application without schedules, which may send to receivers of this machine.
fn application(monitoring_url: &str) -> Builder {
    Application::builder(monitoring_url)
        .variable("webhook_hosts", "http://127.0.0.1:*")
        .without_other_schedules()
}

/// What kind of news came to the fallback channel, in order.
fn told(receiver: &Receiver) -> Vec<String> {
    let received = receiver.received();
    let news = received.iter().filter(|request| request.path == "/fallback");
    news.map(|request| request.json().unwrap()["type"].as_str().unwrap().to_owned())
        .collect()
}

fn heartbeats(receiver: &Receiver) -> usize {
    let received = receiver.received();
    received.iter().filter(|request| request.path == "/alive").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_monitoring_database_is_told_once_and_so_is_its_end() {
    let mut server = DedicatedServer::start(embedded_postgres::NEWEST).await.unwrap();
    let collector = server.url_as(Login::Collector.role(), COLLECTOR_PASSWORD, "postgres");
    let monitored = Monitored::at(&server.url("postgres"), &collector).await.unwrap();
    let receiver = Receiver::start().await.unwrap();
    let memory = tempfile::tempdir().unwrap();
    let builder = application(monitored.url())
        .variable("fallback_channel_url", &receiver.url("/fallback"))
        .state_folder(memory.path());

    let first = builder.clone().start().await.unwrap();
    assert_eq!(first.post("/check-alerts").await.unwrap().status, 200);
    server.stop().await.unwrap();
    let failed = first.post("/check-alerts").await.unwrap();
    assert_eq!(failed.status, 503, "{}", failed.body);
    assert!(told(&receiver).is_empty(), "one round that fails is no outage");
    tokio::time::sleep(PATIENCE).await;
    // What the receiver refuses is not told: it is tried again.
    receiver.answer_next(Answer::status(500));
    first.post("/check-alerts").await.unwrap();
    assert_eq!(told(&receiver), ["alert.firing"]);
    first.kill().await.unwrap();

    let second = builder.clone().start().await.unwrap();
    tokio::time::sleep(PATIENCE + Duration::from_secs(2)).await;
    for _ in 0..3 {
        second.post("/check-alerts").await.unwrap();
    }
    assert_eq!(told(&receiver), ["alert.firing", "alert.firing"]);
    second.kill().await.unwrap();

    // A process that knows nothing of it but what is in the file.
    let third = builder.start().await.unwrap();
    third.post("/check-alerts").await.unwrap();
    assert_eq!(told(&receiver).len(), 2);
    server.start_again().await.unwrap();
    for _ in 0..2 {
        assert_eq!(third.post("/check-alerts").await.unwrap().status, 200);
    }
    assert_eq!(
        told(&receiver),
        ["alert.firing", "alert.firing", "alert.resolved"]
    );

    let received = receiver.received();
    let keys: Vec<&str> = received
        .iter()
        .map(|request| request.header("webhook-id"))
        .collect();
    assert_eq!(keys[0], keys[1], "two attempts are one message");
    assert_ne!(keys[1], keys[2]);
    let news: Value = received[0].json().unwrap();
    let summary = news["data"]["summary"].as_str().unwrap();
    assert!(
        summary.starts_with("The monitoring database cannot be reached since"),
        "{summary}"
    );
    assert_eq!(news["data"]["level"], "emergency");
    assert!(!received[0].body.contains(COLLECTOR_PASSWORD));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_heartbeat_stays_away_as_soon_as_a_part_of_the_chain_stops() {
    let server = Server::shared(embedded_postgres::NEWEST).await.unwrap();
    let database = Database::new(&server, "outage::heartbeat").await.unwrap();
    let monitored = Monitored::on(&database).await.unwrap();
    let receiver = Receiver::start().await.unwrap();
    let application = application(monitored.url())
        .variable("heartbeat_url", &receiver.url("/alive"))
        .start()
        .await
        .unwrap();
    let round = async || {
        let before = heartbeats(&receiver);
        let answer = application.post("/check-alerts").await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        heartbeats(&receiver) > before
    };

    assert!(
        round().await,
        "a new installation whose functions had no turn yet is well"
    );
    // That nobody takes the sign is no failure of the round.
    receiver.answer_next(Answer::status(500));
    assert!(round().await);

    let installed = "update monitoring.schema_migrations set applied_at = applied_at";
    monitored
        .run(&format!("{installed} - interval '1 hour'"))
        .await
        .unwrap();
    assert!(!round().await, "functions that never ran are missed");
    for function in [
        "collect-stats",
        "deliver-notifications",
        "run-maintenance",
        "run-responses",
    ] {
        let answer = application.post(&format!("/{function}")).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    assert!(round().await);

    monitored
        .tell("hook", "webhook", &receiver, "/hook")
        .await
        .unwrap();
    monitored.run(WAITING_MESSAGE).await.unwrap();
    assert!(!round().await, "a message has waited too long");
    monitored.run("delete from monitoring.outbox").await.unwrap();
    assert!(round().await);
}

/// A message of an alert that is over, which nobody took.
const WAITING_MESSAGE: &str = "
    with alert as (
      insert into monitoring.alerts
        (rule_id, target_id, subject, subject_label, state, level, value, threshold, opened_at, resolved_at)
      select 'target_down', target_id, '', '', 'resolved', 'critical', 60, 30, now(), now() from monitoring.targets
      returning alert_id
    )
    insert into monitoring.outbox (alert_id, sequence, channel_id, event, payload, created_at)
    select alert_id, 1, channel_id, 'firing', '{}', now() - interval '20 minutes'
    from alert, monitoring.channels";
