//! What `export-metrics` serves is what Prometheus takes, and what was collected.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod bounded;
mod names;
mod page;
mod prometheus;
mod values;

use std::io::Write;
use std::process::{Command, Stdio};

use integration_tests::monitored::Monitored;
use integration_tests::{Application, Database, Server, test_versions};

use crate::page::Page;

/// A statement of its own, so that it can be found among those of other tests, and one that takes its time, so that it is
/// shown by name.
const STATEMENT: &str = "select pg_catalog.pg_sleep(1.5) as number_of_the_metrics_test";

/// A database that watches itself, of which everything was collected twice, with something to see in between.
struct Collected {
    database: Database,
    monitored: Monitored,
    application: Application,
}

impl Collected {
    async fn on(version: u32, test: &str, variables: &[(&str, &str)]) -> Self {
        let server = Server::shared(version).await.unwrap();
        let database = Database::new(&server, &format!("metrics::{test}::{version}"))
            .await
            .unwrap();
        let monitored = Monitored::on(&database).await.unwrap();
        let mut builder = Application::builder(monitored.url()).without_other_schedules();
        for (name, value) in variables {
            builder = builder.variable(name, value);
        }
        let application = builder.start().await.unwrap();
        let collected = Self {
            database,
            monitored,
            application,
        };
        collected.collect().await;
        collected.work().await;
        collected
    }

    /// Leaves something in every statistic that a test can reach.
    async fn work(&self) {
        self.database
            .batch(
                "create table if not exists goods (id int8 primary key, name text);
                 insert into goods select n, repeat('x', 100) from generate_series(1, 1000) as n on conflict do nothing;
                 update goods set name = 'y' where id <= 10;
                 delete from goods where id > 990;",
            )
            .await
            .unwrap();
        for statement in [
            "vacuum analyze goods",
            "select count(*) from goods where id = 7",
            STATEMENT,
        ] {
            self.monitored.run(statement).await.unwrap();
        }
    }

    async fn collect(&self) {
        let answer = self.application.post("/collect-stats").await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.json().unwrap()["outcome"], "ok", "{}", answer.body);
    }

    async fn page_after_collecting(&self) -> Page {
        self.collect().await;
        self.page().await
    }

    async fn page(&self) -> Page {
        // Who asks within a second of another is given the same page.
        tokio::time::sleep(std::time::Duration::from_millis(1050)).await;
        let answer = self.application.get("/metrics").await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(
            answer.header("content-type"),
            "text/plain; version=0.0.4; charset=utf-8"
        );
        Page::read(answer.body)
    }

    async fn number(&self, sql: &str) -> f64 {
        self.monitored.number(sql).await.unwrap() as f64
    }
}

#[tokio::test]
async fn metrics_ask_for_the_token_where_they_are_not_open() {
    let server = Server::shared(test_versions()[0]).await.unwrap();
    let database = Database::new(&server, "metrics::token").await.unwrap();
    let monitored = Monitored::on(&database).await.unwrap();
    let application = Application::builder(monitored.url())
        .variable("metrics_open", "false")
        .without_other_schedules()
        .start()
        .await
        .unwrap();
    let refused = application.get("/metrics").await.unwrap();
    assert_eq!(
        (refused.status.as_u16(), refused.header("www-authenticate")),
        (401, "Bearer")
    );
    let authorization = format!("Bearer {}", integration_tests::application::TOKEN);
    let answer = integration_tests::http::send(
        hyper::Method::GET,
        &application.url("/metrics"),
        &[("authorization", &authorization)],
        "",
    )
    .await
    .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    let refused =
        integration_tests::http::send(hyper::Method::POST, &application.url("/metrics"), &[], "").await;
    assert_eq!(refused.unwrap().status, 405);
}

/// Debian's `prometheus` has `promtool`; scripts/test installs it or says how.
fn promtool(page: &str) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is missing: apt-get install prometheus");
    promtool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "promtool: {said}\n{page}");
}
