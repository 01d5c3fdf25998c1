//! How long one cycle over many targets takes, and whether the runner grows over many cycles.

use std::time::Instant;

use anyhow::{Result, ensure};
use integration_tests::monitored::{COLLECTOR_PASSWORD, TARGET};
use integration_tests::{Application, DedicatedServer, Monitored};
use store::logins::Login;

use crate::memory::resident;
use crate::table::Table;

/// How many databases are watched, each as a target of its own.
const TARGETS: usize = 200;
/// How many cycles over all of them are measured.
const CYCLES: usize = 7;
/// What the schedule does: of each target what is due.
const DUE: &str = "/collect-stats?due";
/// What a request does: everything, as the first cycle of all does.
const EVERYTHING: &str = "/collect-stats";
/// How many of them are watched while memory is.
const FEW: usize = 10;
/// How many cycles the runner may grow in, after those that it grows warm in.
const MANY: usize = 1_000;
const WARM: usize = 50;

/// One cycle over all targets, then a thousand over a few.
pub(crate) async fn measure(table: &mut Table) -> Result<()> {
    let server = DedicatedServer::start(crate::VERSION).await?;
    let collector = |database: &str| server.url_as(Login::Collector.role(), COLLECTOR_PASSWORD, database);
    let monitored = Monitored::at(&server.url("postgres"), &collector("postgres")).await?;
    // Only the databases of the fleet are targets; the monitoring database is one more on the same server.
    monitored
        .run(&format!("delete from monitoring.targets where name = '{TARGET}'"))
        .await?;
    let client = integration_tests::database::connect(&server.url("postgres")).await?;
    for number in 0..TARGETS {
        let database = format!("fleet_{number}");
        client
            .batch_execute(&format!("create database {database} template template0"))
            .await?;
        monitored
            .watch(&format!("fleet-{number}"), &collector(&database))
            .await?;
    }
    // A cycle of so many takes longer than the shortest timeouts when one core is busy with something else.
    monitored
        .run("update monitoring.targets set timeout_ms = 45000, interval_seconds = 3600")
        .await?;
    let application = Application::builder(monitored.url())
        .without_other_schedules()
        .start()
        .await?;
    cycle(&application, EVERYTHING, TARGETS).await?;
    let mut scheduled = Vec::new();
    for _ in 0..CYCLES {
        // All are due at once, and not again before the cycle has ended.
        monitored
            .run("update monitoring.target_state set next_collection_at = now()")
            .await?;
        scheduled.push(cycle(&application, DUE, TARGETS).await?);
    }
    let mut whole = Vec::new();
    for _ in 0..CYCLES {
        whole.push(cycle(&application, EVERYTHING, TARGETS).await?);
    }
    for seconds in [&mut scheduled, &mut whole] {
        seconds.sort_by(f64::total_cmp);
    }
    eprintln!("{TARGETS} targets, scheduled: {scheduled:.2?} s, everything: {whole:.2?} s");
    let what = format!("{TARGETS} targets, a scheduled cycle");
    table.below(
        &format!("{what}, median of {CYCLES}"),
        scheduled[CYCLES / 2],
        10.0,
        "s",
    );
    table.plain(
        &format!("{what}, slowest of {CYCLES}"),
        scheduled[CYCLES - 1],
        "s",
    );
    let what = format!("{TARGETS} targets, every collector whatever its interval");
    table.plain(&format!("{what}, median of {CYCLES}"), whole[CYCLES / 2], "s");

    monitored
        .run(&format!(
            "delete from monitoring.targets where substr(name, 7)::int4 >= {FEW}"
        ))
        .await?;
    for _ in 0..WARM {
        cycle(&application, EVERYTHING, FEW).await?;
    }
    let before = resident(&application)?;
    for _ in 0..MANY {
        cycle(&application, EVERYTHING, FEW).await?;
    }
    table.below(
        &format!("growth of the runner over {MANY} cycles of {FEW} targets"),
        resident(&application)? - before,
        50.0,
        "MB",
    );
    table.plain("resident memory of the runner before these cycles", before, "MB");
    application.stop().await?;
    Ok(())
}

/// One cycle, in seconds. Every target has to be read, and whole.
async fn cycle(application: &Application, path: &str, targets: usize) -> Result<f64> {
    let begin = Instant::now();
    let answer = application.post(path).await?;
    let took = begin.elapsed();
    let report = answer.json()?;
    ensure!(
        report["outcome"] == "ok" && report["report"]["targets"] == targets,
        "{}",
        answer.body
    );
    Ok(took.as_secs_f64())
}
