//! The journal.

use std::time::Duration;

use store::runs::{self, Trigger};
use vitals::outcome::RunOutcome;

use crate::Monitoring;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_run_is_written_when_it_begins_and_when_it_ends() {
    let room = Monitoring::new("run").await;
    let client = &room.store;
    let run = runs::start(client, "collect-stats", Trigger::Cron, MINUTE)
        .await
        .unwrap();
    let latest = runs::latest(client, &["collect-stats", "check-alerts"])
        .await
        .unwrap();
    let states: Vec<_> = latest
        .iter()
        .map(|run| (run.function.as_str(), run.outcome.as_deref()))
        .collect();
    assert_eq!(
        states,
        [("check-alerts", None), ("collect-stats", Some("running"))]
    );

    let report = serde_json::json!({"targets": 2});
    assert!(
        runs::finish(
            client,
            &run,
            RunOutcome::Partial,
            Some(report),
            Some("one target is down")
        )
        .await
        .unwrap()
    );
    assert!(
        !runs::finish(client, &run, RunOutcome::Ok, None, None)
            .await
            .unwrap(),
        "it ends once"
    );
    let latest = runs::latest(client, &["collect-stats"]).await.unwrap();
    assert_eq!(latest[0].outcome.as_deref(), Some("partial"));
    assert_eq!(latest[0].error.as_deref(), Some("one target is down"));
    assert!(latest[0].success_age_seconds.is_some() && latest[0].duration_ms.is_some());
}

#[tokio::test]
async fn a_run_that_never_ended_is_given_up_by_the_next() {
    let room = Monitoring::new("abandoned").await;
    let client = &room.store;
    let lost = runs::start(client, "collect-stats", Trigger::Cron, Duration::ZERO)
        .await
        .unwrap();
    let other = runs::start(client, "check-alerts", Trigger::Http, Duration::ZERO)
        .await
        .unwrap();
    runs::start(client, "collect-stats", Trigger::Cron, MINUTE)
        .await
        .unwrap();
    let outcome = |id: i64| {
        format!("select count(*) from monitoring.function_runs where run_id = {id} and outcome = 'abandoned'")
    };
    assert_eq!(room.number(&outcome(lost.run_id)).await, 1);
    assert_eq!(
        room.number(&outcome(other.run_id)).await,
        0,
        "each function gives up its own"
    );
    assert!(
        runs::finish(client, &lost, RunOutcome::Ok, None, None)
            .await
            .unwrap(),
        "it was only slow"
    );
    assert_eq!(room.number(&outcome(lost.run_id)).await, 0);
}

#[tokio::test]
async fn the_journal_makes_the_partition_that_it_needs() {
    let room = Monitoring::new("journal_partition").await;
    room.run(
        "do $do$ declare child regclass; begin
           for child in select inhrelid::regclass from pg_inherits where inhparent = 'monitoring.function_runs'::regclass
           loop execute 'drop table ' || child::text; end loop;
           update monitoring.partitioned_tables set maintained_at = now() - interval '10 days';
         end $do$",
    )
    .await;
    runs::start(&room.store, "collect-stats", Trigger::Cron, MINUTE)
        .await
        .unwrap();
    assert_eq!(
        room.number("select count(*) from monitoring.function_runs").await,
        1
    );
}
