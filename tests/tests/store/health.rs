//! What is read for the outside.

use std::time::Duration;

use store::runs::{self, Trigger};
use store::targets::{self, Completion, State};

use crate::{Monitoring, claim};

#[tokio::test]
async fn health_tells_of_targets_and_functions_in_one_statement() {
    let room = Monitoring::new("health").await;
    let client = &room.store;
    let empty = store::health::read(client, &[]).await.unwrap();
    assert_eq!((empty.targets, empty.functions), (vec![], vec![]));

    let target_id = room.target("shop").await;
    room.target("untried").await;
    claim(client, "a", true).await;
    let state = State::Down {
        code: "connect_timeout",
        error: "no answer",
    };
    targets::complete(
        client,
        &Completion {
            target_id,
            holder: "a",
            state,
        },
    )
    .await
    .unwrap();
    runs::start(client, "collect-stats", Trigger::Cron, Duration::from_secs(5))
        .await
        .unwrap();

    let health = store::health::read(client, &store::FUNCTIONS).await.unwrap();
    assert_eq!(
        health.schema_version,
        i64::from(store::migrations::ALL.last().unwrap().version)
    );
    let states: Vec<_> = health
        .targets
        .iter()
        .map(|target| (target.target.as_str(), target.up))
        .collect();
    assert_eq!(states, [("shop", Some(false)), ("untried", None)]);
    assert_eq!(health.targets[0].error_code.as_deref(), Some("connect_timeout"));
    assert!(health.targets[0].down_since.is_some());
    let runs: Vec<_> = health
        .functions
        .iter()
        .map(|run| (run.function.as_str(), run.outcome.as_deref()))
        .collect();
    let expected = [
        ("check-alerts", None),
        ("collect-stats", Some("running")),
        ("deliver-notifications", None),
        ("run-maintenance", None),
        ("run-responses", None),
    ];
    assert_eq!(runs, expected);

    let metrics = store::exposition::targets(client).await.unwrap();
    assert_eq!(
        (metrics.len(), metrics[0].up, metrics[1].up),
        (2, Some(false), None)
    );
    assert_eq!(
        store::exposed::readings(client, vec!["statements".to_owned()], 60)
            .await
            .unwrap(),
        []
    );
}
