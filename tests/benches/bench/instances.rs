//! What making an instance of a component costs, as the runner itself says for each that it makes.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use integration_tests::{Application, Database, Monitored, Server};

use crate::table::Table;

/// How long instances are made: schedules get a fresh one for every run.
const DURATION: Duration = Duration::from_secs(20);

/// Instances of all components that run on a schedule.
pub(crate) async fn measure(server: &Server, table: &mut Table) -> Result<()> {
    let database = Database::new(server, "bench::instances").await?;
    let monitored = Monitored::on(&database).await?;
    let application = Application::builder(monitored.url())
        .environment("RUST_LOG", "warn,runner=debug")
        .schedule("collect-stats", "* * * * * *")
        .schedule("check-alerts", "* * * * * *")
        .schedule("deliver-notifications", "* * * * * *")
        .start()
        .await?;
    tokio::time::sleep(DURATION).await;
    let (_, log) = application.stop().await?;
    let mut microseconds: Vec<f64> = log
        .lines()
        .filter(|line| line.contains("Made an instance."))
        .map(|line| {
            let (_, after) = line
                .split_once("us=")
                .context("the runner does not say how long it took")?;
            Ok(after.split_whitespace().next().unwrap_or_default().parse()?)
        })
        .collect::<Result<_>>()?;
    ensure!(
        microseconds.len() >= 30,
        "only {} instances were made:\n{log}",
        microseconds.len()
    );
    microseconds.sort_by(f64::total_cmp);
    let at = |share: f64| microseconds[((microseconds.len() - 1) as f64 * share) as usize] / 1000.0;
    table.below("making an instance of a component, median", at(0.5), 1.0, "ms");
    table.below("making an instance of a component, p99", at(0.99), 1.0, "ms");
    Ok(())
}
