//! What watching costs a busy server: the throughput of pgbench with all collectors every 30 s, against none.
//!
//! Runs come in pairs, one with and one without, in random order, so that a machine that grows slower or faster does
//! not speak for one of them. The application, pgbench and the monitoring database share the cores of the target, which
//! is the worst place for them: what is measured is an upper bound of what a target of its own would lose.

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use integration_tests::Application;
use tokio::process::Command;

use crate::large::{LARGE, Large, Place};
use crate::processor::{self, ProcessorTime};
use crate::table::Table;

/// How many pairs, where `PGVITALS_BENCH_PAIRS` says nothing else.
const PAIRS: usize = 7;
/// How long each run is: two whole cycles of 30 s, whenever it begins.
const RUN: Duration = Duration::from_secs(60);
/// What pgbench is told: eight clients, and more branches than those, so that they seldom wait for one another.
const CLIENTS: &str = "8";
const SCALE: &str = "20";

/// What one pair of runs gave.
#[derive(Debug)]
struct Pair {
    /// How much of the throughput was lost, in percent; less than nothing where the run with collectors was faster.
    loss: f64,
    /// Transactions a second without collectors.
    without: f64,
    /// Processor time of the application and its sessions, in percent of what the machine has.
    processor: f64,
}

/// How often each collector reads, in cycles of 30 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// At its own interval, as it is installed.
    Own,
    /// In every cycle, whatever its interval.
    EveryCycle,
}

/// The large database, with pgbench's own tables in it.
pub(crate) async fn measure(place: Place, pace: Pace, table: &mut Table) -> Result<()> {
    let pgbench = pgbench()?;
    let large = Large::build(place).await?;
    if pace == Pace::EveryCycle {
        large
            .monitored
            .run("update monitoring.collectors set custom_interval_seconds = 30 where interval_seconds is not null")
            .await?;
    }
    large
        .monitored
        .run(&format!(
            "update monitoring.targets set interval_seconds = 30 where name = '{LARGE}'"
        ))
        .await?;
    run_pgbench(&pgbench, &large, &["-i", "-q", "-s", SCALE]).await?;
    let count = std::env::var("PGVITALS_BENCH_PAIRS").map_or(Ok(PAIRS), |count| count.parse())?;
    let mut pairs = Vec::new();
    for number in 1..=count {
        let pair = pair(&pgbench, &large).await?;
        eprintln!("overhead, pair {number} of {count}: {pair:.2?}");
        pairs.push(pair);
    }
    report(table, place, pace, pairs)
}

/// One run with collectors and one without, in an order that nobody knows before.
async fn pair(pgbench: &PathBuf, large: &Large) -> Result<Pair> {
    let with_first = RandomState::new().hash_one(0).is_multiple_of(2);
    let (with, without) = if with_first {
        let with = watched(pgbench, large).await?;
        (with, throughput(pgbench, large).await?)
    } else {
        let without = throughput(pgbench, large).await?;
        (watched(pgbench, large).await?, without)
    };
    let (with, processor) = with;
    Ok(Pair {
        loss: (1.0 - with / without) * 100.0,
        without,
        processor,
    })
}

/// A run with all collectors, from the second collection on: the first learns names and texts. Gives the transactions a
/// second, and the share of the machine's processor time that went to watching.
async fn watched(pgbench: &PathBuf, large: &Large) -> Result<(f64, f64)> {
    let application = Application::builder(large.monitored.url())
        .schedule("collect-stats", "*/30 * * * * *")
        .start()
        .await?;
    let answer = application.post("/collect-stats").await?;
    ensure!(answer.json()?["outcome"] == "ok", "{}", answer.body);
    let collections =
        "select count(*) from monitoring.function_runs where function = 'collect-stats' and trigger = 'cron'";
    let runs_before = large.monitored.number(collections).await?;
    let spent_before = spent(&application, large).await?;
    let transactions = throughput(pgbench, large).await?;
    let spent = spent(&application, large).await?.since(&spent_before);
    let runs = large.monitored.number(collections).await? - runs_before;
    ensure!(runs >= 2, "only {runs} collections ran beside pgbench");
    application.stop().await?;
    let cores = std::thread::available_parallelism()?.get() as f64;
    Ok((
        transactions,
        spent.as_secs_f64() / (RUN.as_secs_f64() * cores) * 100.0,
    ))
}

/// The processor time of the runner and of every session of its login so far.
async fn spent(application: &Application, large: &Large) -> Result<ProcessorTime> {
    let sessions = "select pid from pg_stat_activity where usename = 'pgvitals_collector'";
    let mut processes: Vec<u32> = vec![application.process().context("the runner has ended")?];
    for row in large.client.query(sessions, &[]).await? {
        processes.push(u32::try_from(row.get::<_, i32>(0))?);
    }
    processor::time_of(&processes)
}

/// Transactions a second of one run.
async fn throughput(pgbench: &PathBuf, large: &Large) -> Result<f64> {
    // Every run begins with the same tables and with nothing left to be written.
    run_pgbench(pgbench, large, &["-i", "-q", "-s", SCALE]).await?;
    large.client.batch_execute("checkpoint").await?;
    let seconds = RUN.as_secs().to_string();
    let said = run_pgbench(pgbench, large, &["-n", "-c", CLIENTS, "-j", "2", "-T", &seconds]).await?;
    let (_, after) = said
        .split_once("tps = ")
        .with_context(|| format!("pgbench does not say how fast it was:\n{said}"))?;
    Ok(after.split_whitespace().next().unwrap_or_default().parse()?)
}

async fn run_pgbench(pgbench: &PathBuf, large: &Large, arguments: &[&str]) -> Result<String> {
    let output = Command::new(pgbench)
        .args(arguments)
        .arg(large.server.url("postgres"))
        .output()
        .await
        .context("cannot run pgbench")?;
    ensure!(
        output.status.success(),
        "pgbench failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// pgbench from PATH, or from where Debian keeps it.
fn pgbench() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for version in (13..=crate::VERSION).rev() {
        candidates.push(format!("/usr/lib/postgresql/{version}/bin").into());
    }
    candidates
        .into_iter()
        .map(|folder| folder.join("pgbench"))
        .find(|program| program.is_file())
        .context("there is no pgbench; on Debian it is part of the package postgresql-15")
}

fn report(table: &mut Table, place: Place, pace: Pace, mut pairs: Vec<Pair>) -> Result<()> {
    let count = pairs.len();
    ensure!(count > 0, "no pair was measured");
    pairs.sort_by(|one, other| one.loss.total_cmp(&other.loss));
    let at = |share: f64| pairs[((count - 1) as f64 * share).round() as usize].loss;
    let place = match place {
        Place::Same => "store on the target",
        Place::Apart => "store on another server",
    };
    let what = match pace {
        Pace::Own => "cycles of 30 s",
        Pace::EveryCycle => "every collector every 30 s",
    };
    table.below(
        &format!("loss of pgbench -c 8, {what}, {place}, median of {count} pairs"),
        at(0.5),
        1.0,
        "%",
    );
    table.plain("the same, first quartile", at(0.25), "%");
    table.plain("the same, third quartile", at(0.75), "%");
    let mean = |value: fn(&Pair) -> f64| pairs.iter().map(value).sum::<f64>() / count as f64;
    table.plain(
        "throughput without collectors, mean",
        mean(|pair| pair.without),
        "tps",
    );
    table.plain(
        &format!("processor time of the application and its sessions on the target, {what}, {place}"),
        mean(|pair| pair.processor),
        "%",
    );
    Ok(())
}
