//! What watching costs a busy server: the throughput of pgbench with a collection in 30 s, against none.
//!
//! One run of pgbench is cut into windows of 30 s, of which every other one begins with a collection; which of each pair
//! is not known before. So a machine that grows slower or faster does not speak for one of them, and both see the same
//! tables. The application, pgbench and the monitoring database share the cores of the target, which is the worst place
//! for them: what is measured is an upper bound of what a target of its own would lose.

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use integration_tests::Application;
use tokio::process::Command;
use tokio::time::Instant;

use crate::large::{LARGE, Large, Place};
use crate::processor::{self, ProcessorTime};
use crate::table::Table;

/// How many pairs, where `PGVITALS_BENCH_PAIRS` says nothing else.
const PAIRS: usize = 9;
/// How long each window is: a whole cycle.
const WINDOW: Duration = Duration::from_secs(30);
/// What pgbench is told: eight clients, and more branches than those, so that they seldom wait for one another.
const CLIENTS: &str = "8";
const SCALE: &str = "20";

/// A checkpoint or an autovacuum takes a good part of the window that it falls into, which would be the larger part of what
/// is measured.
const STEADY: [&str; 8] = [
    "alter system set max_wal_size = '32GB'",
    "alter system set checkpoint_timeout = '1h'",
    "select pg_reload_conf()",
    "alter table pgbench_accounts set (autovacuum_enabled = false)",
    "alter table pgbench_branches set (autovacuum_enabled = false)",
    "alter table pgbench_tellers set (autovacuum_enabled = false)",
    "alter table pgbench_history set (autovacuum_enabled = false)",
    "checkpoint",
];

/// What one pair of windows gave.
#[derive(Debug)]
struct Pair {
    /// How much of the throughput was lost, in percent; less than nothing where the window with collectors was faster.
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

/// What lies beside pgbench's own tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beside {
    /// Nothing: the database of pgbench.
    Nothing,
    /// The large database.
    Large,
}

/// Runs pgbench in such a database, watched at that pace.
pub(crate) async fn measure(beside: Beside, place: Place, pace: Pace, table: &mut Table) -> Result<()> {
    let pgbench = pgbench()?;
    let large = match beside {
        Beside::Nothing => Large::empty(place).await?,
        Beside::Large => Large::build(place).await?,
    };
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
    let application = Application::builder(large.monitored.url())
        .without_other_schedules()
        .start()
        .await?;
    run_pgbench(&pgbench, &large, &["-i", "-q", "-s", SCALE]).await?;
    // The first two learn names and texts, which happens once in the life of each.
    for _ in 0..2 {
        collect(&application, &large, "/collect-stats").await?;
    }
    for statement in STEADY {
        large.client.batch_execute(statement).await?;
    }
    let count = std::env::var("PGVITALS_BENCH_PAIRS").map_or(Ok(PAIRS), |count| count.parse())?;
    let pairs = pairs(&pgbench, &large, &application, count).await?;
    eprintln!("overhead, by pair: {pairs:.2?}");
    application.stop().await?;
    report(table, beside, place, pace, pairs)
}

/// Runs pgbench for so many pairs of windows, and collects at the beginning of one window of each.
async fn pairs(
    pgbench: &PathBuf,
    large: &Large,
    application: &Application,
    count: usize,
) -> Result<Vec<Pair>> {
    let collecting_first: Vec<bool> = (0..count)
        .map(|_| RandomState::new().hash_one(0).is_multiple_of(2))
        .collect();
    let windows: Vec<bool> = collecting_first
        .iter()
        .flat_map(|first| [*first, !*first])
        .collect();
    // The first window is for pgbench to connect and to fill the caches.
    let seconds = (WINDOW * u32::try_from(windows.len() + 1)?).as_secs().to_string();
    let arguments = ["-n", "-c", CLIENTS, "-j", "2", "-P", "1", "-T", &seconds];
    let begin = Instant::now();
    let (said, spent) = tokio::try_join!(
        run_pgbench(pgbench, large, &arguments),
        collect_in(&windows, begin, large, application)
    )?;
    let throughput = by_window(&said)?;
    let mut pairs = Vec::with_capacity(count);
    for (pair, first) in collecting_first.iter().enumerate() {
        let (with, without) = if *first { (1, 2) } else { (2, 1) };
        let of = |window: usize| {
            throughput
                .get(2 * pair + window)
                .copied()
                .context("pgbench ended before its time")
        };
        let (with, without) = (of(with)?, of(without)?);
        let cores = std::thread::available_parallelism()?.get() as f64;
        let spent = spent.get(pair).copied().unwrap_or_default();
        pairs.push(Pair {
            loss: (1.0 - with / without) * 100.0,
            without,
            processor: spent.as_secs_f64() / (WINDOW.as_secs_f64() * cores) * 100.0,
        });
    }
    Ok(pairs)
}

/// Collects at the beginning of the windows that are for it, and gives the processor time that went to each.
async fn collect_in(
    windows: &[bool],
    begin: Instant,
    large: &Large,
    application: &Application,
) -> Result<Vec<Duration>> {
    let mut spent_in = Vec::new();
    for (number, collects) in (1..).zip(windows) {
        tokio::time::sleep_until(begin + WINDOW * number).await;
        if *collects {
            large
                .monitored
                .run("update monitoring.target_state set next_collection_at = now()")
                .await?;
            let before = spent(application, large).await?;
            collect(application, large, "/collect-stats?due").await?;
            spent_in.push(spent(application, large).await?.since(&before));
        }
    }
    Ok(spent_in)
}

async fn collect(application: &Application, large: &Large, path: &str) -> Result<()> {
    let answer = application.post(path).await?;
    let report = answer.json()?;
    if report["outcome"] != "ok" || report["report"]["targets"] != 1 {
        let reasons = "select collector || ': ' || reason as reason from monitoring.collector_status where outcome = 'failed'";
        let monitoring = large.monitored.admin().await?;
        let reasons = db::Client::query(&monitoring, reasons, &[]).await?;
        let reasons = reasons.iter().map(|row| row.get("reason"));
        let reasons: Vec<String> = reasons.collect::<Result<_, _>>()?;
        bail!("{}: {reasons:?}", answer.body);
    }
    Ok(())
}

/// Transactions a second in each window, from what pgbench said every second.
fn by_window(said: &str) -> Result<Vec<f64>> {
    let mut windows: Vec<(f64, f64)> = Vec::new();
    for line in said.lines().filter_map(|line| line.strip_prefix("progress: ")) {
        let mut words = line.split_whitespace();
        let at: f64 = words.next().unwrap_or_default().parse()?;
        let rate: f64 = words.nth(1).unwrap_or_default().parse()?;
        // What is said at the end of a second is of that second.
        let window = ((at - 0.5).max(0.0) / WINDOW.as_secs_f64()) as usize;
        if windows.len() <= window {
            windows.resize(window + 1, (0.0, 0.0));
        }
        if let Some((sum, count)) = windows.get_mut(window) {
            *sum += rate;
            *count += 1.0;
        }
    }
    ensure!(
        !windows.is_empty(),
        "pgbench does not say how fast it was:\n{said}"
    );
    Ok(windows
        .into_iter()
        .map(|(sum, count)| sum / count.max(1.0))
        .collect())
}

/// The processor time of the runner and of every session of its logins so far.
async fn spent(application: &Application, large: &Large) -> Result<ProcessorTime> {
    let sessions = "select pid from pg_stat_activity where usename like 'pgvitals\\_%'";
    let mut processes: Vec<u32> = vec![application.process().context("the runner has ended")?];
    for row in large.client.query(sessions, &[]).await? {
        processes.push(u32::try_from(row.get::<_, i32>(0))?);
    }
    processor::time_of(&processes)
}

/// What pgbench says, on both ways.
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
    Ok([output.stdout, output.stderr]
        .map(|said| String::from_utf8_lossy(&said).into_owned())
        .concat())
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

fn report(table: &mut Table, beside: Beside, place: Place, pace: Pace, mut pairs: Vec<Pair>) -> Result<()> {
    let count = pairs.len();
    ensure!(count > 0, "no pair was measured");
    pairs.sort_by(|one, other| one.loss.total_cmp(&other.loss));
    let at = |share: f64| pairs[((count - 1) as f64 * share).round() as usize].loss;
    let place = match place {
        Place::Same => "store on the target",
        Place::Apart => "store on another server",
    };
    let beside = match beside {
        Beside::Nothing => "pgbench's database",
        Beside::Large => "large database",
    };
    let what = match pace {
        Pace::Own => "cycles of 30 s",
        Pace::EveryCycle => "every collector every 30 s",
    };
    table.below(
        &format!("loss of pgbench -c 8, {beside}, {what}, {place}, median of {count} pairs"),
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
        &format!(
            "processor time of the application and its sessions on the target, {beside}, {what}, {place}"
        ),
        mean(|pair| pair.processor),
        "%",
    );
    Ok(())
}
