//! Notifications reach their channels whatever the receivers do: at least once, in order, with the same key.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod alertmanager;
mod formats;
mod storm;

use std::time::Duration;

use integration_tests::monitored::Monitored;
use integration_tests::{Answer, Application, Database, Receiver, Server, test_versions};

struct Room {
    _database: Database,
    monitored: Monitored,
    application: Application,
    receiver: Receiver,
}

impl Room {
    async fn new(test: &str) -> Room {
        let server = Server::shared(test_versions()[0]).await.unwrap();
        let database = Database::new(&server, &format!("delivery::{test}"))
            .await
            .unwrap();
        let monitored = Monitored::on(&database).await.unwrap();
        let receiver = Receiver::start().await.unwrap();
        let application = Application::builder(monitored.url())
            .variable("webhook_hosts", "http://127.0.0.1:*")
            .variable(
                "channel_urls",
                &format!(r#"{{"hidden": "{}"}}"#, receiver.url("/hidden")),
            )
            .variable("channel_secrets", &formats::secrets(&receiver))
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

    /// Lets the target be down for so many seconds, and the alerts be checked.
    async fn down(&self, seconds: u32) {
        self.monitored
            .run(&format!(
                "insert into monitoring.target_state as s (target_id, up, down_since) \
                 select target_id, false, now() - interval '{seconds} seconds' from monitoring.targets \
                 on conflict (target_id) do update set up = false, down_since = excluded.down_since"
            ))
            .await
            .unwrap();
        self.check().await;
    }

    async fn up(&self) {
        self.monitored
            .run("update monitoring.target_state set up = true, down_since = null")
            .await
            .unwrap();
        self.check().await;
    }

    async fn check(&self) {
        let answer = self.application.post("/check-alerts").await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    async fn deliver(&self) -> serde_json::Value {
        let answer = self.application.post("/deliver-notifications").await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json().unwrap()["report"].clone()
    }

    /// Makes what waits for its next attempt due now, whatever the receivers asked for.
    async fn hurry(&self) {
        self.monitored
            .run("update monitoring.outbox set next_attempt_at = now() where dead_at is null")
            .await
            .unwrap();
        self.monitored
            .run("update monitoring.channels set open_until = null")
            .await
            .unwrap();
    }

    /// The kinds of news that came to a path, in order.
    fn came(&self, path: &str) -> Vec<String> {
        let received = self.receiver.received();
        let bodies = received
            .iter()
            .filter(|request| request.path == path)
            .map(|request| request.json().unwrap());
        bodies
            .map(|body| body["type"].as_str().unwrap_or("slack").to_owned())
            .collect()
    }
}

#[tokio::test]
async fn a_message_is_tried_again_with_the_same_key_and_order_is_kept() {
    let room = Room::new("retry").await;
    room.monitored
        .tell("hook", "webhook", &room.receiver, "/hook")
        .await
        .unwrap();
    room.receiver.answer_next(Answer::status(503));
    room.receiver
        .answer_next(Answer::status(429).with_header("retry-after", "1"));
    room.down(60).await;
    assert_eq!(room.deliver().await["retried"], 1);
    // What follows waits for what comes before it, however due it is.
    room.up().await;
    room.hurry().await;
    assert_eq!(room.deliver().await["retried"], 1);
    room.hurry().await;
    let report = room.deliver().await;
    assert_eq!((&report["delivered"], &report["dead"]), (&2.into(), &0.into()));
    assert_eq!(
        room.came("/hook"),
        ["alert.firing", "alert.firing", "alert.firing", "alert.resolved"]
    );
    let received = room.receiver.received();
    let ids: Vec<&str> = received
        .iter()
        .map(|request| request.header("webhook-id"))
        .collect();
    assert!(
        !ids[0].is_empty() && ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3],
        "{ids:?}"
    );
    for request in &received {
        assert_eq!(request.header("content-length"), request.body.len().to_string());
    }
    assert_eq!(room.deliver().await["delivered"], 0, "nothing is sent twice");
}

#[tokio::test]
async fn a_receiver_that_refuses_or_hangs_costs_its_own_messages_only() {
    let room = Room::new("hang").await;
    let hanging = Receiver::start().await.unwrap();
    hanging.answer_always(Answer::hang());
    let refusing = Receiver::start().await.unwrap();
    refusing.answer_always(Answer::status(404).with_body("no such hook"));
    room.monitored
        .tell("hanging", "webhook", &hanging, "/hook")
        .await
        .unwrap();
    room.monitored
        .tell("refusing", "webhook", &refusing, "/hook")
        .await
        .unwrap();
    room.monitored
        .tell("hook", "webhook", &room.receiver, "/hook")
        .await
        .unwrap();
    room.down(60).await;
    let report = room.deliver().await;
    assert_eq!(
        (&report["delivered"], &report["retried"], &report["dead"]),
        (&1.into(), &1.into(), &1.into())
    );
    assert_eq!(room.came("/hook"), ["alert.firing"]);
    let dead = "select count(*) from monitoring.outbox where dead_at is not null and last_error like '%404%no such hook%'";
    assert_eq!(room.monitored.number(dead).await.unwrap(), 1);
}

#[tokio::test]
async fn an_answer_that_cannot_be_stored_as_it_is_costs_no_other_message() {
    let room = Room::new("strange").await;
    let strange = Receiver::start().await.unwrap();
    strange.answer_always(Answer::status(500).with_body("a\0b"));
    room.monitored
        .tell("strange", "webhook", &strange, "/hook")
        .await
        .unwrap();
    room.monitored
        .tell("hook", "webhook", &room.receiver, "/hook")
        .await
        .unwrap();
    room.down(60).await;
    let report = room.deliver().await;
    assert_eq!((&report["delivered"], &report["retried"]), (&1.into(), &1.into()));
    let told = "select count(*) from monitoring.outbox where last_error like '%: a b'";
    assert_eq!(room.monitored.number(told).await.unwrap(), 1);
    room.deliver().await;
    assert_eq!(
        room.came("/hook"),
        ["alert.firing"],
        "what was delivered is not sent again"
    );
}

#[tokio::test]
async fn a_secret_address_is_taken_from_its_variable_and_never_shown() {
    let room = Room::new("secret").await;
    for (name, secret) in [("chat", "hidden"), ("lost", "nowhere")] {
        room.monitored
            .run(&format!(
                "insert into monitoring.channels (name, kind, secret) values ('{name}', 'slack', '{secret}')"
            ))
            .await
            .unwrap();
    }
    room.down(60).await;
    let report = room.deliver().await;
    assert_eq!((&report["delivered"], &report["retried"]), (&1.into(), &1.into()));
    assert_eq!(room.came("/hidden"), ["slack"]);
    let waiting = "select count(*) from monitoring.outbox where last_error like '%channel_urls has nothing named nowhere%'";
    assert_eq!(room.monitored.number(waiting).await.unwrap(), 1);
    let (_, log) = room.application.stop().await.unwrap();
    assert!(!log.contains("/hidden"), "{log}");
}

#[tokio::test]
async fn a_host_that_is_not_allowed_is_not_connected_to() {
    let server = Server::shared(test_versions()[0]).await.unwrap();
    let database = Database::new(&server, "delivery::not_allowed").await.unwrap();
    let monitored = Monitored::on(&database).await.unwrap();
    let receiver = Receiver::start().await.unwrap();
    monitored
        .tell("hook", "webhook", &receiver, "/hook")
        .await
        .unwrap();
    // As it comes: only https may be spoken to.
    let application = Application::builder(monitored.url())
        .without_other_schedules()
        .start()
        .await
        .unwrap();
    let room = Room {
        _database: database,
        monitored,
        application,
        receiver,
    };
    room.down(60).await;
    assert_eq!(room.deliver().await["retried"], 1);
    let told = "select count(*) from monitoring.outbox where last_error like '%webhook_hosts%'";
    assert_eq!(room.monitored.number(told).await.unwrap(), 1);
    assert!(room.receiver.received().is_empty());
}

#[tokio::test]
async fn many_evaluators_and_senders_at_once_tell_once() {
    let room = Room::new("at_once").await;
    room.monitored
        .tell("hook", "webhook", &room.receiver, "/hook")
        .await
        .unwrap();
    room.down(60).await;
    let posts = (0..16).map(|number| {
        let path = if number % 2 == 0 {
            "/check-alerts"
        } else {
            "/deliver-notifications"
        };
        room.application.post(path)
    });
    let answers = futures_all(posts.collect()).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    room.deliver().await;
    assert_eq!(room.came("/hook"), ["alert.firing"]);
    let open = "select count(*) from monitoring.alerts where state = 'firing'";
    assert_eq!(room.monitored.number(open).await.unwrap(), 1);
}

/// Waits for all of some requests, which are under way at the same time.
async fn futures_all<T>(futures: Vec<impl Future<Output = anyhow::Result<T>>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut answers = Vec::new();
    std::future::poll_fn(|context| {
        futures.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Ready(answer) => {
                answers.push(answer.unwrap());
                false
            }
            std::task::Poll::Pending => true,
        });
        if futures.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    answers
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_asked_no_more() {
    let room = Room::new("gone").await;
    room.monitored
        .tell("hook", "webhook", &room.receiver, "/hook")
        .await
        .unwrap();
    room.receiver.answer_next(Answer::status(410));
    room.down(60).await;
    assert_eq!(room.deliver().await["dead"], 1);
    let off =
        "select count(*) from monitoring.channels where not enabled and last_error like '%410%switched off%'";
    assert_eq!(room.monitored.number(off).await.unwrap(), 1);
    room.up().await;
    room.deliver().await;
    assert_eq!(room.came("/hook"), ["alert.firing"]);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let room = Room::new("redirect").await;
    room.monitored
        .tell("hook", "webhook", &room.receiver, "/hook")
        .await
        .unwrap();
    room.receiver
        .answer_next(Answer::status(307).with_header("location", &room.receiver.url("/elsewhere")));
    room.down(60).await;
    assert_eq!(room.deliver().await["dead"], 1);
    assert!(room.came("/elsewhere").is_empty());
}

#[tokio::test]
async fn a_private_network_that_nobody_named_is_not_connected_to() {
    let server = Server::shared(test_versions()[0]).await.unwrap();
    let database = Database::new(&server, "delivery::private").await.unwrap();
    let monitored = Monitored::on(&database).await.unwrap();
    let receiver = Receiver::start().await.unwrap();
    monitored
        .tell("hook", "webhook", &receiver, "/hook")
        .await
        .unwrap();
    // The host would let it through.
    let application = Application::builder(monitored.url())
        .variable("webhook_hosts", "http://*:*")
        .without_other_schedules()
        .start()
        .await
        .unwrap();
    let room = Room {
        _database: database,
        monitored,
        application,
        receiver,
    };
    room.down(60).await;
    assert_eq!(room.deliver().await["retried"], 1);
    let told = "select count(*) from monitoring.outbox where last_error like '%private network%internal_webhook_hosts%'";
    assert_eq!(room.monitored.number(told).await.unwrap(), 1);
    assert!(room.receiver.received().is_empty());
}
