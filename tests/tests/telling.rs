//! Who is told of an alert, on the whole application: routes, escalation, acknowledgement, silences, maintenance windows,
//! and the interface that programs change them by.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use hyper::Method;
use integration_tests::monitored::{Monitored, TARGET};
use integration_tests::{Answer, Application, Database, Receiver, Server, test_versions};
use serde_json::{Value, json};

struct Room {
    _database: Database,
    monitored: Monitored,
    application: Application,
    receiver: Receiver,
}

impl Room {
    /// With two channels, each a path of the receiver.
    async fn new(test: &str) -> Room {
        Room::on(test_versions()[0], test).await
    }

    async fn on(version: u32, test: &str) -> Room {
        let server = Server::shared(version).await.unwrap();
        let database = Database::new(&server, &format!("telling::{test}::{version}"))
            .await
            .unwrap();
        let monitored = Monitored::on(&database).await.unwrap();
        let receiver = Receiver::start().await.unwrap();
        for channel in ["chat", "pager"] {
            let path = format!("/{channel}");
            monitored
                .tell(channel, "webhook", &receiver, &path)
                .await
                .unwrap();
        }
        let application = Application::builder(monitored.url())
            .variable("webhook_hosts", "http://127.0.0.1:*")
            .without_other_schedules()
            .start()
            .await
            .unwrap();
        Room {
            _database: database,
            monitored,
            application,
            receiver,
        }
    }

    async fn run(&self, sql: &str) {
        self.monitored.run(sql).await.unwrap();
    }

    /// Lets the target be down for so many seconds, or up.
    async fn down(&self, seconds: u32) {
        self.run(&format!(
            "insert into monitoring.target_state as s (target_id, up, down_since)
             select target_id, {seconds} = 0, now() - nullif({seconds}, 0) * interval '1 second' from monitoring.targets
             on conflict (target_id) do update set up = excluded.up, down_since = excluded.down_since"
        ))
        .await;
    }

    /// Lets the alert have fired, and been taken up, so many minutes earlier than it was.
    async fn age(&self, minutes: u32) {
        self.run(&format!(
            "update monitoring.alerts set opened_at = opened_at - interval '{minutes} minutes',
                                          acknowledged_at = acknowledged_at - interval '{minutes} minutes'"
        ))
        .await;
    }

    /// Looks at the alerts, sends what is to be sent, and gives what came: channel and event.
    async fn told(&self) -> Vec<String> {
        let before = self.receiver.received().len();
        for path in ["/check-alerts", "/deliver-notifications"] {
            let answer = self.application.post(path).await.unwrap();
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        }
        let received = self.receiver.received();
        let mut told: Vec<String> = received[before..]
            .iter()
            .map(|request| {
                let body = request.json().unwrap();
                format!("{} {}", request.path, body["data"]["event"].as_str().unwrap())
            })
            .collect();
        told.sort_unstable();
        told
    }

    async fn order(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let answer = self
            .application
            .order(method, path, &body.to_string())
            .await
            .unwrap();
        (answer.status.as_u16(), answer.json().unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.order(Method::GET, path, &Value::Null).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// A route on which `chat` is told at once and `pager` after ten minutes.
    async fn ladder(&self) {
        self.run(
            "with route as (insert into monitoring.routes (name, position) values ('ladder', 1) returning route_id)
             insert into monitoring.route_steps (route_id, step, after_seconds, channel_id)
             select route_id, n, 600 * (n - 1), channel_id
             from route, (values ('chat', 1), ('pager', 2)) as member (name, n) join monitoring.channels using (name)",
        )
        .await;
    }
}

#[tokio::test]
async fn what_nobody_takes_up_is_escalated_and_its_end_told_to_all_who_know() {
    for version in test_versions() {
        let room = Room::on(version, "escalation").await;
        room.ladder().await;
        room.down(60).await;
        assert_eq!(room.told().await, ["/chat firing"]);
        room.age(9).await;
        assert!(room.told().await.is_empty());
        room.age(1).await;
        assert_eq!(room.told().await, ["/pager escalated"]);
        room.down(600).await;
        assert_eq!(room.told().await, ["/chat level", "/pager level"]);
        room.down(0).await;
        assert_eq!(room.told().await, ["/chat resolved", "/pager resolved"]);
        assert!(room.told().await.is_empty());
    }
}

#[tokio::test]
async fn what_somebody_takes_up_is_not_escalated_until_it_gets_worse() {
    let room = Room::new("acknowledged").await;
    room.ladder().await;
    room.down(60).await;
    assert_eq!(room.told().await, ["/chat firing"]);
    let alerts = room.get("/api/alerts").await;
    let alert = &alerts["alerts"][0];
    assert_eq!(
        (&alert["rule_id"], &alert["state"], &alert["level"]),
        (&json!("target_down"), &json!("firing"), &json!("critical"))
    );
    let path = format!("/api/alerts/{}", alert["alert_id"]);
    let acknowledge = format!("{path}/acknowledge");
    let body = json!({"by": "ada", "note": "on it"});
    let (status, _) = room.order(Method::POST, &acknowledge, &body).await;
    assert_eq!(status, 200);
    room.age(60).await;
    assert!(room.told().await.is_empty());
    let shown = room.get(&path).await;
    assert_eq!(shown["alert"]["acknowledged"]["by"], "ada");
    assert_eq!(shown["history"][1]["channel"], "chat");
    // Whoever took it up has not seen this yet.
    room.down(600).await;
    assert_eq!(room.told().await, ["/chat level", "/pager escalated"]);
    room.down(0).await;
    room.told().await;
    assert_eq!(room.order(Method::POST, &acknowledge, &body).await.0, 404);
    assert_eq!(room.get("/api/alerts").await["alerts"], json!([]));
    let past = room.get("/api/alerts?resolved_within_seconds=60").await;
    assert_eq!(past["alerts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn when_a_receiver_keeps_failing_the_next_channel_is_told() {
    let room = Room::new("failover").await;
    room.ladder().await;
    room.receiver.answer_always(Answer::status(500));
    room.down(60).await;
    let tried = room.told().await;
    assert!(
        tried.iter().all(|told| told == "/chat firing") && !tried.is_empty(),
        "{tried:?}"
    );
    // As it is after a while of trying.
    room.run("update monitoring.outbox set attempts = 3, next_attempt_at = 'infinity'")
        .await;
    room.receiver.answer_always(Answer::status(200));
    assert_eq!(room.told().await, ["/pager escalated"]);
}

#[tokio::test]
async fn a_silence_is_kept_and_what_still_fires_is_told_after_it() {
    let room = Room::new("silence").await;
    let silence = json!({
        "matchers": [format!("target={TARGET}"), "severity!=emergency"],
        "lasts_seconds": 3600, "reason": "deployment", "by": "ada",
    });
    let (status, added) = room.order(Method::POST, "/api/silences", &silence).await;
    assert_eq!(status, 201, "{added}");
    room.down(60).await;
    assert!(room.told().await.is_empty());
    let alerts = room.get("/api/alerts").await;
    let why = format!("silence {}", added["silence_id"]);
    assert_eq!(alerts["alerts"][0]["suppressed_by"], why);
    room.down(600).await;
    assert_eq!(
        room.told().await,
        ["/chat firing", "/pager firing"],
        "an emergency is told"
    );
    room.down(60).await;
    room.run("update monitoring.rules set cooldown_seconds = 0").await;
    assert!(room.told().await.is_empty(), "a change within the silence is not");
    let path = format!("/api/silences/{}", added["silence_id"]);
    assert_eq!(room.order(Method::DELETE, &path, &Value::Null).await.0, 200);
    assert_eq!(room.order(Method::DELETE, &path, &Value::Null).await.0, 404);
    assert_eq!(room.told().await, ["/chat level", "/pager level"]);
    assert_eq!(room.get("/api/silences").await["silences"], json!([]));
    assert_eq!(
        room.get("/api/alerts").await["alerts"][0]["suppressed_by"],
        Value::Null
    );
}

#[tokio::test]
async fn nothing_is_told_in_a_maintenance_window_but_the_end() {
    let room = Room::new("window").await;
    room.down(60).await;
    assert_eq!(room.told().await, ["/chat firing", "/pager firing"]);
    room.run(
        "insert into monitoring.maintenance_windows (name, schedule, duration_seconds, reason)
         values ('always', '* * * * *', 120, 'why')",
    )
    .await;
    room.down(600).await;
    assert!(room.told().await.is_empty());
    assert_eq!(room.get("/api/windows").await["windows"][0]["name"], "always");
    room.down(0).await;
    assert_eq!(room.told().await, ["/chat resolved", "/pager resolved"]);
}

#[tokio::test]
async fn one_that_cannot_be_used_is_reported_and_keeps_nobody_from_being_told() {
    let room = Room::new("faulty").await;
    room.run(
        r#"insert into monitoring.routes (name, position, matchers)
           values ('broken', 1, '[{"label": "target", "operator": "=~", "value": "("}]')"#,
    )
    .await;
    room.down(60).await;
    let answer = room
        .application
        .post("/check-alerts")
        .await
        .unwrap()
        .json()
        .unwrap();
    assert_eq!(answer["outcome"], "partial");
    let fault = answer["report"]["faults"][0].as_str().unwrap();
    assert!(fault.starts_with("cannot use route broken"), "{fault}");
    assert_eq!(room.told().await, ["/chat firing", "/pager firing"]);
    assert_eq!(room.get("/api/routes").await["routes"][0]["name"], "broken");
}

#[tokio::test]
async fn the_interface_is_for_those_who_bear_the_token() {
    let room = Room::new("interface").await;
    for path in [
        "/api/alerts",
        "/api/silences",
        "/api/rules",
        "/api/routes",
        "/api/windows",
    ] {
        assert_eq!(room.application.get(path).await.unwrap().status, 401, "{path}");
        room.get(path).await;
    }
    let rule = room.get("/api/rules/target_down").await;
    assert_eq!(rule["metric"], "target_down_seconds");
    assert_eq!(
        room.order(Method::GET, "/api/rules/nothing", &Value::Null)
            .await
            .0,
        404
    );
    let new = json!({"metric": "tables.live_rows", "labels": {"table": "orders"}, "threshold": 100});
    assert_eq!(
        room.order(Method::PUT, "/api/rules/many_orders", &new).await.0,
        201
    );
    let change = json!({"for_seconds": 60, "enabled": false});
    assert_eq!(
        room.order(Method::PUT, "/api/rules/many_orders", &change).await.0,
        200
    );
    let rule = room.get("/api/rules/many_orders").await;
    assert_eq!(
        (&rule["resolve"], &rule["for_seconds"]),
        (&json!(45.0), &json!(60))
    );
    for wrong in [
        json!({"treshold": 1}),
        json!({"metric": "nothing"}),
        json!({"warning": 1}),
        json!([]),
    ] {
        let (status, refused) = room.order(Method::PUT, "/api/rules/many_orders", &wrong).await;
        assert_eq!(status, 422, "{wrong}: {refused}");
    }
    let lacking = room
        .order(Method::PUT, "/api/rules/lacking", &json!({"warning": 1}))
        .await;
    assert_eq!(
        (lacking.0, &lacking.1["error"]),
        (422, &json!("rule lacking has no metric"))
    );
    assert_eq!(
        room.order(Method::DELETE, "/api/rules/many_orders", &Value::Null)
            .await
            .0,
        200
    );
    assert_eq!(
        room.order(Method::DELETE, "/api/rules/many_orders", &Value::Null)
            .await
            .0,
        404
    );
    // What only the table can tell.
    let silence = json!({"matchers": [], "lasts_seconds": 60, "reason": "why", "by": "ada"});
    let (status, refused) = room.order(Method::POST, "/api/silences", &silence).await;
    assert_eq!(status, 422, "{refused}");
    let long = format!("{{\"by\": \"{}\"}}", "a".repeat(70_000));
    let answer = room
        .application
        .order(Method::POST, "/api/alerts/1/acknowledge", &long)
        .await
        .unwrap();
    assert_eq!(answer.status, 413);
}
