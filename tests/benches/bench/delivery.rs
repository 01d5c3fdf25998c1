//! How long it takes from a breach to the notification of it, with every function on a schedule of five seconds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use integration_tests::monitored::Monitored;
use integration_tests::{Application, Database, Receiver, Server};
use tokio::task::JoinSet;

use crate::table::Table;

/// How many breaches are measured.
const BREACHES: u32 = 100;

/// How long after one breach the next one begins: no part of five seconds, so that they meet every moment of a schedule.
const PACE: Duration = Duration::from_millis(1_030);

/// How long a notification may take before the measurement is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// From the moment at which a statement has been slow often enough to the last byte of the notification at its receiver:
/// through collection, evaluation and delivery, each on its schedule.
pub(crate) async fn measure(server: &Server, table: &mut Table) -> Result<()> {
    let database = Arc::new(Database::new(server, "bench::delivery").await?);
    let monitored = Monitored::on(&database).await?;
    let receiver = Arc::new(Receiver::start().await?);
    monitored.tell("hook", "webhook", &receiver, "/hook").await?;
    monitored
        .run("delete from monitoring.rules where rule_id <> 'slow_statement'")
        .await?;
    // Each function a second after the one whose results it needs, as in spin.toml.
    let application = Application::builder(monitored.url())
        .variable("webhook_hosts", "http://127.0.0.1:*")
        .schedule("collect-stats", "*/5 * * * * *")
        .schedule("check-alerts", "1/5 * * * * *")
        .schedule("deliver-notifications", "2/5 * * * * *")
        .start()
        .await?;
    // The first reading of the statements has nothing to compare itself with.
    monitored
        .until(
            "a reading of the statements",
            "select count(*) > 0 from monitoring.counter_snapshots where collector = 'statements'",
        )
        .await?;
    let mut under_way = JoinSet::new();
    for breach in 0..BREACHES {
        let (database, receiver) = (Arc::clone(&database), Arc::clone(&receiver));
        under_way.spawn(async move { breach_to_delivery(&database, &receiver, breach).await });
        tokio::time::sleep(PACE).await;
    }
    let mut seconds = Vec::new();
    while let Some(measured) = under_way.join_next().await {
        seconds.push(measured??);
    }
    application.stop().await?;
    seconds.sort_by(f64::total_cmp);
    let quantile = |percent: usize| seconds[seconds.len() * percent / 100 - 1];
    table.below(
        "breach to delivered notification, p99 of 100",
        quantile(99),
        10.0,
        "s",
    );
    table.plain("breach to delivered notification, p50 of 100", quantile(50), "s");
    Ok(())
}

/// Runs a statement of its own, slowly, as often as its rule asks for.
async fn breach_to_delivery(database: &Database, receiver: &Receiver, breach: u32) -> Result<f64> {
    let name = format!("breach_{breach}_");
    database
        .batch(&format!("create table {name} as select 0.3 as seconds"))
        .await?;
    let client = database.connect().await?;
    for _ in 0..3 {
        client
            .simple_query(&format!("select pg_sleep(seconds) from {name}"))
            .await?;
    }
    let begin = Instant::now();
    let told = receiver
        .wait_for(1, PATIENCE, |request| request.body.contains(&name))
        .await
        .with_context(|| format!("{name} was not told"))?;
    Ok(told[0].at.saturating_duration_since(begin).as_secs_f64())
}
