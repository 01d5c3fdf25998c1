//! Every component with work of its own can be put on a schedule as well as asked: both are exported from one file, and
//! both are journaled.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::Command;

use integration_tests::monitored::monitoring_variables;
use integration_tests::{Database, Monitored, Server, binaries, project_root, test_versions};

/// What answers requests and has no work of its own to put on a schedule.
const ANSWERS_ONLY: &str = "manage-alerts";

/// Runs a component once, as its schedule would.
fn run_once(component: &str, monitored: &Monitored) -> (bool, String) {
    let variables = monitoring_variables(monitored.url()).unwrap();
    let variables = variables
        .into_iter()
        .map(|(name, value)| (format!("SPIN_VARIABLE_{}", name.to_uppercase()), value));
    let output = Command::new(binaries::runner().unwrap())
        .arg("--from")
        .arg(project_root().join("spin.toml"))
        .args(["--once", component])
        .envs(variables)
        .env("SPIN_VARIABLE_API_TOKEN", "token")
        .output()
        .unwrap();
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[tokio::test]
async fn every_component_runs_on_a_schedule_and_journals_it() {
    let server = Server::shared(test_versions()[0]).await.unwrap();
    let database = Database::new(&server, "schedule::every").await.unwrap();
    let monitored = Monitored::on(&database).await.unwrap();
    let mut components: Vec<String> = std::fs::read_dir(project_root().join("functions"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    components.retain(|component| component != ANSWERS_ONLY);
    components.sort();
    for component in &components {
        let (succeeded, log) = run_once(component, &monitored);
        assert!(succeeded, "{component}: {log}");
        let runs = format!(
            "select count(*) from monitoring.function_runs \
             where function = '{component}' and trigger = 'cron' and outcome in ('ok', 'partial') \
             and finished_at is not null and report is not null"
        );
        assert_eq!(monitored.number(&runs).await.unwrap(), 1, "{component}: {log}");
    }
    assert!(components.len() >= 6, "{components:?}");
    let (succeeded, log) = run_once(ANSWERS_ONLY, &monitored);
    assert!(
        !succeeded && log.contains("does not export handle-cron-event"),
        "{log}"
    );
}
