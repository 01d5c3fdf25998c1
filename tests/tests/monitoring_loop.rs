//! The proof that the whole works, on real parts: a real PostgreSQL, the real components on the runner with schedules
//! of a second, a local receiver.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use integration_tests::monitored::{Monitored, TARGET};
use integration_tests::receiver::Received;
use integration_tests::{Application, DedicatedServer, Receiver, test_versions};
use serde_json::Value;
use store::logins::Login;

/// How long anything may take to come through the whole loop: what is promised for a slow statement.
const PROMISED: Duration = Duration::from_secs(30);
/// How long nothing more may come before it is believed that nothing will: several turns of every schedule.
const QUIET: Duration = Duration::from_secs(6);
/// Every function, every second.
const EVERY_SECOND: &str = "* * * * * *";

/// A server, watched by an application that tells a receiver.
struct Loop {
    server: DedicatedServer,
    monitored: Monitored,
    receiver: Receiver,
}

impl Loop {
    /// Watches the server's own database `postgres`, with short windows, so that a test need not wait for minutes.
    async fn on(version: u32) -> Loop {
        let server = DedicatedServer::start(version).await.unwrap();
        let monitored = monitored_on(&server).await;
        monitored
            .run("update monitoring.rules set window_seconds = 8, cooldown_seconds = 0 where rule_id = 'slow_statement'")
            .await
            .unwrap();
        let receiver = Receiver::start().await.unwrap();
        monitored
            .tell("hook", "webhook", &receiver, "/hook")
            .await
            .unwrap();
        Loop {
            server,
            monitored,
            receiver,
        }
    }

    async fn application(&self) -> Application {
        application(&self.monitored).await
    }

    /// What came to the webhook about a rule.
    fn told(&self, rule: &str) -> Vec<Value> {
        let received = self.receiver.received();
        let bodies = received
            .iter()
            .filter(|request| request.path == "/hook")
            .map(|request| request.json().unwrap());
        bodies.filter(|body| body["data"]["rule_id"] == rule).collect()
    }

    /// Waits until the webhook was told `count` things about a rule.
    async fn wait_told(&self, rule: &str, count: usize, within: Duration) -> Vec<Value> {
        let begin = std::time::Instant::now();
        loop {
            let told = self.told(rule);
            if told.len() >= count {
                return told;
            }
            assert!(
                begin.elapsed() < within,
                "{} of {count} notifications about {rule} within {within:?}; all that came: {:#?}",
                told.len(),
                self.receiver.received()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn monitored_on(server: &DedicatedServer) -> Monitored {
    let collector = server.url_as(
        Login::Collector.role(),
        integration_tests::monitored::COLLECTOR_PASSWORD,
        "postgres",
    );
    Monitored::at(&server.url("postgres"), &collector).await.unwrap()
}

async fn application(monitored: &Monitored) -> Application {
    Application::builder(monitored.url())
        .variable("webhook_hosts", "http://127.0.0.1:*")
        .schedule("collect-stats", EVERY_SECOND)
        .schedule("check-alerts", EVERY_SECOND)
        .schedule("deliver-notifications", EVERY_SECOND)
        .start()
        .await
        .unwrap()
}

/// Runs the slow statement a few times, with a literal that nobody may ever see.
async fn load(server: &DedicatedServer) {
    let client = integration_tests::database::connect(&server.url("postgres"))
        .await
        .unwrap();
    for _ in 0..4 {
        client
            .simple_query("select pg_sleep(0.6), 'Erika Mustermann' as patient")
            .await
            .unwrap();
    }
}

async fn collected_twice(monitored: &Monitored) {
    monitored
        .until(
            "a second reading of the statements",
            "select coalesce(max(version) >= 2, false) from monitoring.counter_snapshots where collector = 'statements'",
        )
        .await
        .unwrap();
}

fn assert_untold(requests: &[Received], log: &str) {
    for request in requests {
        assert!(
            !request.body.contains("Mustermann"),
            "a literal left the database: {}",
            request.body
        );
    }
    assert!(!log.contains("Mustermann"), "a literal was logged:\n{log}");
    assert!(
        !log.contains(integration_tests::monitored::COLLECTOR_PASSWORD),
        "a password was logged:\n{log}"
    );
    assert!(!log.contains("panicked"), "something panicked:\n{log}");
}

async fn slow_statement(version: u32) {
    let watched = Loop::on(version).await;
    watched
        .monitored
        .tell("chat", "slack", &watched.receiver, "/slack")
        .await
        .unwrap();
    let application = watched.application().await;
    collected_twice(&watched.monitored).await;

    load(&watched.server).await;
    let told = watched.wait_told("slow_statement", 1, PROMISED).await;
    assert_eq!(told[0]["type"], "alert.firing", "{told:#?}");
    assert_eq!(told[0]["data"]["level"], "critical", "{told:#?}");
    assert_eq!(told[0]["data"]["target"], TARGET);
    assert!(
        told[0].to_string().contains("pg_sleep($1)"),
        "the statement is not named: {told:#?}"
    );

    let told = watched.wait_told("slow_statement", 2, PROMISED).await;
    assert_eq!(told[1]["type"], "alert.resolved", "{told:#?}");
    tokio::time::sleep(QUIET).await;
    assert_eq!(
        watched.told("slow_statement").len(),
        2,
        "{:#?}",
        watched.told("slow_statement")
    );

    let requests = watched.receiver.received();
    let slack: Vec<Value> = requests
        .iter()
        .filter(|request| request.path == "/slack")
        .map(|request| request.json().unwrap())
        .collect();
    assert_eq!(slack.len(), 2, "{slack:#?}");
    assert!(
        slack
            .iter()
            .all(|message| message["text"].is_string() && message["blocks"].is_array()),
        "{slack:#?}"
    );

    let ids: std::collections::HashSet<_> = requests
        .iter()
        .filter(|request| request.path == "/hook")
        .map(|request| request.header("webhook-id").to_owned())
        .collect();
    assert_eq!(ids.len(), 2, "every message has an id of its own: {ids:?}");
    let open = "select count(*) from monitoring.alerts where state <> 'resolved'";
    assert_eq!(watched.monitored.number(open).await.unwrap(), 0);
    let (status, log) = application.stop().await.unwrap();
    assert!(status.success(), "{status}\n{log}");
    assert_untold(&requests, &log);
}

#[tokio::test]
async fn a_slow_statement_is_told_once_and_so_is_its_recovery() {
    for version in test_versions() {
        slow_statement(version).await;
    }
}

#[tokio::test]
async fn a_stopped_server_is_told_of_when_it_is_back() {
    let mut watched = Loop::on(test_versions()[0]).await;
    let application = watched.application().await;
    collected_twice(&watched.monitored).await;
    assert_eq!(
        application.get_until("/health/ready", 200).await.unwrap().status,
        200
    );

    watched.server.stop().await.unwrap();
    let answer = application.get("/health/ready").await.unwrap();
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert_eq!(answer.json().unwrap()["status"], "not_ready", "{}", answer.body);
    // Longer than the rule's warning, and than a few turns of every schedule.
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert!(watched.told("target_down").is_empty());

    watched.server.start_again().await.unwrap();
    let told = watched.wait_told("target_down", 2, PROMISED + PROMISED).await;
    assert_eq!(told[0]["type"], "alert.firing", "{told:#?}");
    assert_eq!(told[1]["type"], "alert.resolved", "{told:#?}");
    tokio::time::sleep(QUIET).await;
    assert_eq!(
        watched.told("target_down").len(),
        2,
        "{:#?}",
        watched.told("target_down")
    );
    assert_eq!(
        application.get_until("/health/ready", 200).await.unwrap().status,
        200
    );
    let (status, log) = application.stop().await.unwrap();
    assert!(status.success(), "{status}\n{log}");
    assert_untold(&watched.receiver.received(), &log);
}

#[tokio::test]
async fn a_target_that_is_down_or_hangs_delays_no_other() {
    let watched = Loop::on(test_versions()[0]).await;
    let mut other = DedicatedServer::start(test_versions()[0]).await.unwrap();
    monitored_on(&other).await;
    let address = |server: &DedicatedServer| {
        server.url_as(
            Login::Collector.role(),
            integration_tests::monitored::COLLECTOR_PASSWORD,
            "postgres",
        )
    };
    watched.monitored.watch("other", &address(&other)).await.unwrap();
    let blackhole = integration_tests::Blackhole::start().await.unwrap();
    let hanging = format!(
        "postgres://pgvitals_collector@127.0.0.1:{}/postgres",
        blackhole.port()
    );
    watched.monitored.watch("hanging", &hanging).await.unwrap();
    let application = watched.application().await;
    let is_up = |name: &str, up: bool| {
        format!(
            "select exists (select 1 from monitoring.target_state join monitoring.targets using (target_id) \
             where name = '{name}' and up = {up})"
        )
    };
    watched
        .monitored
        .until("the other target", &is_up("other", true))
        .await
        .unwrap();
    watched
        .monitored
        .until("the target that hangs", &is_up("hanging", false))
        .await
        .unwrap();

    other.stop().await.unwrap();
    watched
        .monitored
        .until("the end of the other target", &is_up("other", false))
        .await
        .unwrap();
    let told = watched.wait_told("target_down", 2, PROMISED).await;
    let mut targets: Vec<_> = told
        .iter()
        .map(|body| body["data"]["target"].to_string())
        .collect();
    targets.sort();
    targets.dedup();
    assert_eq!(targets, ["\"hanging\"", "\"other\""], "{told:#?}");

    let health = application.get("/health/targets").await.unwrap();
    assert!(
        health.body.contains("other") && health.body.contains("hanging"),
        "{}",
        health.body
    );
    // The first target went on all the while.
    watched
        .monitored
        .until(
            "a fresh sample of the first target",
            "select exists (select 1 from monitoring.activity_samples join monitoring.targets using (target_id) \
             where name = 'local' and sampled_at > now() - interval '3 seconds')",
        )
        .await
        .unwrap();

    other.start_again().await.unwrap();
    watched
        .monitored
        .until("the return of the other target", &is_up("other", true))
        .await
        .unwrap();
    let told = watched.wait_told("target_down", 3, PROMISED).await;
    assert!(
        told.iter()
            .any(|body| body["type"] == "alert.resolved" && body["data"]["target"] == "other"),
        "{told:#?}"
    );
    application.stop().await.unwrap();
}
