//! What `export-metrics` serves is what Prometheus takes, and what was collected.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

use std::io::Write;
use std::process::{Command, Stdio};

use integration_tests::monitored::{Monitored, TARGET};
use integration_tests::{Application, Database, Server, test_versions};

/// A statement of its own, so that it can be found among those of other tests.
const STATEMENT: &str = "select 42 as number_of_the_metrics_test";

async fn collected(version: u32) -> (Database, Application) {
    let server = Server::shared(version).await.unwrap();
    let database = Database::new(&server, &format!("metrics::{version}"))
        .await
        .unwrap();
    let monitored = Monitored::on(&database).await.unwrap();
    let application = Application::builder(monitored.url())
        .without_other_schedules()
        .start()
        .await
        .unwrap();
    // Two collections, with something to see between them.
    for _ in 0..2 {
        monitored.run(STATEMENT).await.unwrap();
        let answer = application.post("/collect-stats").await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.json().unwrap()["outcome"], "ok", "{}", answer.body);
    }
    assert_eq!(application.post("/check-alerts").await.unwrap().status, 200);
    (database, application)
}

/// The value of the one series that begins like this.
fn value(page: &str, beginning: &str) -> f64 {
    let lines: Vec<&str> = page.lines().filter(|line| line.starts_with(beginning)).collect();
    assert_eq!(lines.len(), 1, "{beginning} in\n{page}");
    lines[0].rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn prometheus_takes_the_metrics_of_every_version() {
    for version in test_versions() {
        let (database, application) = collected(version).await;
        let answer = application.get("/metrics").await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(
            answer.header("content-type"),
            "text/plain; version=0.0.4; charset=utf-8"
        );
        assert_promtool_accepts(&answer.body);

        let page = &answer.body;
        assert_eq!(value(page, &format!("pg_up{{target=\"{TARGET}\"}}")), 1.0);
        assert!(page.contains(&format!("short_version=\"{version}.")), "{page}");
        assert!(value(page, "pg_settings_max_connections") > 0.0);
        assert!(value(page, "pg_stat_activity_count{state=\"active\"") >= 0.0);
        let commits = format!("pg_stat_database_xact_commit{{datname=\"{}\"", database.name());
        assert!(value(page, &commits) >= 0.0);
        assert_eq!(
            value(page, "pgvitals_collector_success{collector=\"statements\""),
            1.0
        );
        assert_eq!(
            value(page, "pgvitals_function_failed{function=\"collect-stats\"}"),
            0.0
        );
        assert!(
            !page.contains(integration_tests::monitored::COLLECTOR_PASSWORD),
            "{page}"
        );
        wait_for_commits(&application, &commits).await;
        application.stop().await.unwrap();
    }
}

/// Sessions tell the server what they did only now and then, so that the counters may come a moment later.
async fn wait_for_commits(application: &Application, series: &str) {
    for _ in 0..40 {
        assert_eq!(application.post("/collect-stats").await.unwrap().status, 200);
        let page = application.get("/metrics").await.unwrap().body;
        if value(&page, series) > 0.0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    }
    panic!("{series} stays 0 although the application commits");
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
fn assert_promtool_accepts(page: &str) {
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
