//! Load tests: runs are stored and found again.

use integration_tests::test_versions;
use serde_json::json;
use store::load_runs::{self, Alike, NewRequest, NewRun};

use crate::{Monitoring, refusal};

fn alike(users: i64) -> Alike {
    Alike {
        scenario: "mixed_day".to_owned(),
        scale: 1.0,
        users,
        asked_rate: 20.5,
    }
}

fn request(name: &str, p95_us: i64, level: Option<&str>) -> NewRequest {
    NewRequest {
        request: name.to_owned(),
        threshold_class: "timeline".to_owned(),
        threshold_us: 100_000,
        transactions: 600,
        failed: 1,
        p50_us: 1_250,
        p95_us,
        p99_us: 9_001,
        maximum_us: 12_000,
        level: level.map(str::to_owned),
    }
}

fn run(users: i64, p95_us: i64) -> NewRun {
    NewRun {
        alike: alike(users),
        duration_seconds: 60,
        server_version: 180_004,
        transactions: 1_200,
        failed: 2,
        passed: false,
        requests: vec![
            request("timeline_first_page", p95_us, None),
            request("timeline_deep_page", p95_us * 2, Some("critical")),
        ],
        report: json!({ "scenario": "mixed_day" }),
    }
}

#[tokio::test]
async fn a_run_is_found_again_by_the_next_that_is_like_it() {
    for version in test_versions() {
        let room = Monitoring::on(version, "load_runs").await;
        let client = &room.store;
        assert_eq!(load_runs::last(client, &alike(8)).await.unwrap(), None);
        load_runs::record(client, &run(8, 2_000)).await.unwrap();
        let second = load_runs::record(client, &run(8, 3_000)).await.unwrap();
        load_runs::record(client, &run(16, 9_000)).await.unwrap();
        let last = load_runs::last(client, &alike(8)).await.unwrap().unwrap();
        assert_eq!((last.load_run_id, last.server_version), (second, 180_004));
        let requests: Vec<(&str, i64, f64, f64)> = last
            .requests
            .iter()
            .map(|part| (part.request.as_str(), part.transactions, part.p50_ms, part.p95_ms))
            .collect();
        assert_eq!(
            requests,
            [
                ("timeline_deep_page", 600, 1.25, 6.0),
                ("timeline_first_page", 600, 1.25, 3.0)
            ]
        );
        let levels = "select count(*) from monitoring.load_run_requests where level = 'critical'";
        assert_eq!(room.number(levels).await, 3);
    }
}

#[tokio::test]
async fn whoever_stores_a_run_removes_what_is_two_years_old() {
    let room = Monitoring::new("load_runs_forgotten").await;
    let old = load_runs::record(&room.store, &run(8, 2_000)).await.unwrap();
    room.run("update monitoring.load_runs set recorded_at = now() - interval '2 years 1 day'")
        .await;
    let new = load_runs::record(&room.store, &run(8, 2_000)).await.unwrap();
    assert_ne!(old, new);
    assert_eq!(room.number("select count(*) from monitoring.load_runs").await, 1);
    assert_eq!(
        room.number("select count(*) from monitoring.load_run_requests")
            .await,
        2,
        "what came of its requests goes with it"
    );
}

#[tokio::test]
async fn a_run_of_no_load_is_refused() {
    let room = Monitoring::new("load_runs_refused").await;
    for values in [
        "('Mixed day', 1, 8, 20, 60, 180004, 1, 0, true, '{}')",
        "('mixed_day', 0, 8, 20, 60, 180004, 1, 0, true, '{}')",
        "('mixed_day', 1, 8, 20, 60, 180004, -1, 0, true, '{}')",
    ] {
        let insert = format!(
            "insert into monitoring.load_runs (scenario, scale, users, asked_rate, duration_seconds, server_version, \
             transactions, failed, passed, report) values {values}"
        );
        assert_eq!(refusal(&room.admin, &insert).await, "23514", "{values}");
    }
}
