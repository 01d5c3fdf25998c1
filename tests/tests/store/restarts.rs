//! Restarts of the monitor's own processes, and the alert that they raise.

use std::time::Duration;

use store::observations;
use store::restarts::{self, Process};
use store::rules;
use vitals::alert::Observation;

use crate::Monitoring;

async fn counted(room: &Monitoring) -> Vec<(String, f64)> {
    let rules = rules::all(&room.store).await.unwrap();
    let observed = observations::all(&[&room.store], &rules).await.unwrap();
    let mut counted: Vec<_> = observed
        .into_iter()
        .filter(|observed| observed.rule_id == "process_restarts")
        .filter_map(|observed| match observed.observation {
            Observation::Value(value) => Some((observed.subject, value)),
            _ => None,
        })
        .collect();
    counted.sort_by(|a, b| a.0.cmp(&b.0));
    counted
}

#[tokio::test]
async fn restarts_within_the_window_are_counted_by_process() {
    let room = Monitoring::new("restarts").await;
    room.target("t").await;
    assert_eq!(counted(&room).await, []);
    let ends = [
        (Process::Application, 1),
        (Process::Application, 60),
        (Process::Application, 3_600),
        (Process::Database, 5),
    ];
    for (process, seconds_ago) in ends {
        restarts::record(
            &room.store,
            process,
            Duration::from_secs(seconds_ago),
            "signal: 9",
        )
        .await
        .unwrap();
    }
    assert_eq!(
        counted(&room).await,
        [("application".to_owned(), 2.0), ("database".to_owned(), 1.0)]
    );
}

#[tokio::test]
async fn old_restarts_are_forgotten_with_the_next() {
    let room = Monitoring::new("restarts_forgotten").await;
    let record = || restarts::record(&room.store, Process::Database, Duration::ZERO, "exit status: 1");
    record().await.unwrap();
    room.run("update monitoring.process_restarts set recorded_at = now() - interval '91 days'")
        .await;
    record().await.unwrap();
    assert_eq!(
        room.number("select count(*) from monitoring.process_restarts")
            .await,
        1
    );
}
