//! What the faults happen to: a server, targets that go down and come back, the application, and receivers in a mood.

use std::time::Duration;

use integration_tests::monitored::{COLLECTOR_PASSWORD, Monitored};
use integration_tests::{Answer, Application, DedicatedServer, Receiver, test_versions};
use store::logins::Login;
use tokio::task::JoinSet;

use crate::dice::Dice;

/// How many targets there are, beside the server itself, which nobody looks at here.
pub(crate) const TARGETS: usize = 3;

/// The channels, each a path of the receiver.
pub(crate) const CHANNELS: [&str; 2] = ["first", "second"];

pub(crate) struct World {
    pub(crate) server: DedicatedServer,
    pub(crate) monitored: Monitored,
    pub(crate) receivers: Vec<Receiver>,
    application: Option<Application>,
    /// The requests that are under way.
    under_way: JoinSet<()>,
}

impl World {
    pub(crate) async fn new() -> World {
        // What is committed must be there after a crash: the other tests do without that.
        let durable = [("synchronous_commit", "on")];
        let server = DedicatedServer::start_with(test_versions()[0], &durable)
            .await
            .unwrap();
        let collector = server.url_as(Login::Collector.role(), COLLECTOR_PASSWORD, "postgres");
        let monitored = Monitored::at(&server.url("postgres"), &collector).await.unwrap();
        let mut receivers = Vec::new();
        for channel in CHANNELS {
            let receiver = Receiver::start().await.unwrap();
            monitored
                .tell(channel, "webhook", &receiver, "/hook")
                .await
                .unwrap();
            receivers.push(receiver);
        }
        monitored
            .run("delete from monitoring.rules where rule_id <> 'target_down'")
            .await
            .unwrap();
        monitored
            .run("update monitoring.rules set cooldown_seconds = 0")
            .await
            .unwrap();
        let watched = "insert into monitoring.targets (name, address)
                       select 'target-' || n, 'postgres://nobody@127.0.0.1:1/none' from generate_series(1, 3) as n";
        monitored.run(watched).await.unwrap();
        let mut world = World {
            server,
            monitored,
            receivers,
            application: None,
            under_way: JoinSet::new(),
        };
        world.start().await;
        world
    }

    async fn start(&mut self) {
        let application = Application::builder(self.monitored.url())
            .variable("webhook_hosts", "http://127.0.0.1:*")
            .without_other_schedules()
            .start()
            .await
            .unwrap();
        self.application = Some(application);
    }

    /// Lets a target be down for so many seconds; 0 is up.
    pub(crate) async fn set_down(&self, target: u64, seconds: u64) {
        self.monitored
            .run(&format!(
                "insert into monitoring.target_state as s (target_id, up, down_since)
                 select target_id, {seconds} = 0, now() - nullif({seconds}, 0) * interval '1 second'
                 from monitoring.targets where name = 'target-{target}'
                 on conflict (target_id) do update set up = excluded.up, down_since = excluded.down_since"
            ))
            .await
            .unwrap();
    }

    /// Sends a request and does not wait for its answer.
    pub(crate) fn post(&mut self, path: &'static str) {
        let Some(application) = &self.application else {
            return;
        };
        let url = application.url(path);
        self.under_way.spawn(async move {
            let authorization = format!("Bearer {}", integration_tests::application::TOKEN);
            let headers = [("authorization", authorization.as_str())];
            // That it fails is what these tests are about.
            let _ = integration_tests::http::send(hyper::Method::POST, &url, &headers, "").await;
        });
    }

    /// Waits for everything that is under way.
    pub(crate) async fn rest(&mut self) {
        while self.under_way.join_next().await.is_some() {}
    }

    /// Sends a request that must be answered well, until nobody else is at the same work: the transaction of a runner that
    /// was killed lives on until the server notices.
    pub(crate) async fn must(&self, path: &str) {
        for _ in 0..100 {
            let answer = self.application.as_ref().unwrap().post(path).await.unwrap();
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
            if answer.json().unwrap()["report"]["skipped"].is_null() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("somebody else has been at {path} for ten seconds");
    }

    /// Ends the runner in the middle of whatever it does, and starts another.
    pub(crate) async fn kill_the_runner(&mut self) {
        self.application.take().unwrap().kill().await.unwrap();
        self.rest().await;
        self.start().await;
    }

    /// Ends the server in the middle of whatever it does, and starts it again.
    pub(crate) async fn crash_the_server(&mut self) {
        self.server.crash().await.unwrap();
        self.server.start_again().await.unwrap();
    }

    /// Puts the receivers into a mood for their next requests.
    pub(crate) fn annoy(&self, dice: &mut Dice) {
        let receiver = &self.receivers[usize::try_from(dice.below(CHANNELS.len() as u64)).unwrap()];
        for _ in 0..=dice.below(3) {
            receiver.answer_next(match dice.below(30) {
                0..13 => Answer::status(500),
                13..19 => Answer::status(429).with_header("retry-after", "2"),
                19..29 => Answer::status(200).after(Duration::from_millis(dice.below(300))),
                _ => Answer::hang(),
            });
        }
    }

    /// Lets time pass that nobody has: what waits for its next attempt is due, a receiver that was left alone is asked
    /// again, and what an interrupted run had claimed is free. Nothing may be under way.
    pub(crate) async fn let_time_pass(&mut self) {
        self.rest().await;
        let due = "update monitoring.outbox set next_attempt_at = now(), lease_until = null
                   where delivered_at is null and dead_at is null";
        self.monitored.run(due).await.unwrap();
        let asked_again = "update monitoring.channels set open_until = null";
        self.monitored.run(asked_again).await.unwrap();
    }
}
