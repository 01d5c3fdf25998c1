//! How many connections the application has to a server: few, whatever is asked of it, and none soon after.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use integration_tests::monitored::{COLLECTOR_PASSWORD, Monitored};
use integration_tests::{Application, DedicatedServer, database, http, test_versions};
use store::logins::Login;
use tokio_postgres::Client;

/// How many connections a server has here: as many as a small hosted one.
const MOST: &str = "60";

async fn world(version: u32) -> (DedicatedServer, Monitored) {
    let server = DedicatedServer::start_with(version, &[("max_connections", MOST)])
        .await
        .unwrap();
    let collector = server.url_as(Login::Collector.role(), COLLECTOR_PASSWORD, "postgres");
    let monitored = Monitored::at(&server.url("postgres"), &collector).await.unwrap();
    (server, monitored)
}

/// How many connections the application has to this server.
async fn connections(client: &Client) -> i64 {
    let sql = "select count(*) from pg_catalog.pg_stat_activity where usename like 'pgvitals\\_%'";
    client.query_one(sql, &[]).await.unwrap().get(0)
}

async fn until_none(client: &Client) -> Duration {
    let begin = Instant::now();
    while connections(client).await > 0 {
        assert!(
            begin.elapsed() < Duration::from_secs(15),
            "connections do not end"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    begin.elapsed()
}

/// Asks so many times at once and counts the answers by their status.
async fn burst(application: &Application, path: &str, times: usize) -> Vec<(u16, String)> {
    let url = Arc::new(application.url(path));
    let asked: Vec<_> = (0..times)
        .map(|_| {
            let url = Arc::clone(&url);
            tokio::spawn(async move {
                let answer = http::get(&url).await.unwrap();
                (answer.status.as_u16(), answer.header("retry-after").to_owned())
            })
        })
        .collect();
    let mut answers = Vec::new();
    for answer in asked {
        answers.push(answer.await.unwrap());
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn bursts_of_scrapes_leave_the_server_to_others() {
    for version in test_versions() {
        let (server, monitored) = world(version).await;
        let application = Application::builder(monitored.url())
            .without_other_schedules()
            .start()
            .await
            .unwrap();
        assert_eq!(application.post("/collect-stats").await.unwrap().status, 200);
        let watching = database::connect(&server.url("postgres")).await.unwrap();
        for round in 0..2 {
            let answers = burst(&application, "/metrics", 100).await;
            let well = answers.iter().filter(|(status, _)| *status == 200).count();
            assert_eq!(well, 100, "round {round}: {answers:?}");
            let left = connections(&watching).await;
            // Sixteen of all components together.
            assert!(
                left <= 16,
                "{left} connections after {} scrapes",
                (round + 1) * 100
            );
            // An ordinary login, and what the monitor does besides.
            let begin = Instant::now();
            database::connect(monitored.url()).await.unwrap();
            assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
            assert_eq!(application.post("/check-alerts").await.unwrap().status, 200);
            tokio::time::sleep(Duration::from_millis(1100)).await;
        }
        let took = until_none(&watching).await;
        assert!(took < Duration::from_secs(8), "{took:?}");
        application.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_connections_are_in_use_the_answer_is_when_to_come_back() {
    let (server, monitored) = world(test_versions()[0]).await;
    let application = Application::builder(monitored.url())
        .environment("PGVITALS_CONNECTIONS_PER_SERVER", "2")
        .without_other_schedules()
        .start()
        .await
        .unwrap();
    // Whoever asks for the rules waits for a second, and holds a connection meanwhile.
    let holding = database::connect(&server.url("postgres")).await.unwrap();
    holding
        .batch_execute("begin; lock table monitoring.rules in access exclusive mode")
        .await
        .unwrap();
    let url = application.url("/api/rules");
    let authorization = format!("Bearer {}", integration_tests::application::TOKEN);
    let asked: Vec<_> = (0..16)
        .map(|_| {
            let (url, authorization) = (url.clone(), authorization.clone());
            tokio::spawn(async move {
                let headers = [("authorization", authorization.as_str())];
                http::send(hyper::Method::GET, &url, &headers, "").await.unwrap()
            })
        })
        .collect();
    let mut full = 0;
    for answer in asked {
        let answer = answer.await.unwrap();
        if answer.body.contains("too_many_connections") {
            full += 1;
            assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"));
            assert!(
                answer.body.contains("PGVITALS_CONNECTIONS_PER_SERVER"),
                "{}",
                answer.body
            );
        }
        let count = connections(&holding).await;
        assert!(count <= 2, "{count}");
    }
    holding.batch_execute("rollback").await.unwrap();
    assert!(
        full >= 6,
        "two of sixteen at a time, for a second each: {full} were told to come back"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_database_can_be_dropped_soon_after_a_collection() {
    let (server, monitored) = world(test_versions()[0]).await;
    let admin = database::connect(&server.url("postgres")).await.unwrap();
    admin.batch_execute("create database orders").await.unwrap();
    let orders = server.url_as(Login::Collector.role(), COLLECTOR_PASSWORD, "orders");
    monitored.watch("orders", &orders).await.unwrap();
    let application = Application::builder(monitored.url())
        .without_other_schedules()
        .start()
        .await
        .unwrap();
    let answer = application.post("/collect-stats").await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    let began = Instant::now();
    while let Err(error) = admin.batch_execute("drop database orders").await {
        assert!(began.elapsed() < Duration::from_secs(6), "{error:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    application.stop().await.unwrap();
}
