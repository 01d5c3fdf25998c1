//! Reads the statistics views of every target and stores reset-safe samples.
//!
//! Triggers: cron, and `curl -X POST -H "authorization: Bearer $TOKEN" localhost:3000/collect-stats`.
//!
//! - `monitoring`: the monitoring database, shared by all targets of a run
//! - `target`: one target, from its connection to its completion
//! - `source`: what a target is read through: the connection to a server, or the console of a PgBouncer
//! - `reading`: one statement sent to a target, within its limits
//! - `counters`: from rows of counters to what happened since the last ones
//! - `activity`, `blocked_sessions`, `databases`, `statements`: the collectors with tables of their own
//! - `subjects`: all others
//!
//! By schedule, and by `POST /collect-stats?due`, only what is due is read; by any other POST everything, now.

mod activity;
mod blocked_sessions;
mod counters;
mod databases;
mod exposed;
mod monitoring;
mod reading;
mod source;
mod statements;
mod subjects;
mod target;

use std::time::{Duration, Instant};

use db::SafeUrl;
use function::{Context, Host, Report, concurrently_by_kind};

use crate::monitoring::Monitoring;
use crate::target::Collected;

/// How long a run may take: a round may begin until [`LAST_CLAIM`], and takes no longer than [`target::LONGEST`] where
/// one target in each place of it hangs.
const DEADLINE: Duration = Duration::from_secs(60);

/// After this long no more targets are claimed. What is left over is due first in the next run.
const LAST_CLAIM: Duration = Duration::from_secs(12);

/// How many targets are read at once. Each holds one connection to its target.
const CONCURRENT_TARGETS: usize = 16;

/// How many of them at most are databases of one server, which has its connections for others.
const CONCURRENT_TARGETS_OF_A_SERVER: usize = 8;

function::export! {
    name: "collect-stats",
    deadline: DEADLINE,
    run: run,
}

/// Collects from every target whose time has come.
///
/// # Errors
///
/// What kept the monitoring database from being read or written. A target that cannot be read is no error of the run:
/// it is written down as being down, and the others go on.
pub async fn run<H: Host>(context: &Context<H>) -> anyhow::Result<Report> {
    let begin = Instant::now();
    let mut monitoring = Monitoring::open(context).await?;
    let mut collected = Vec::new();
    while begin.elapsed() < LAST_CLAIM {
        let targets = monitoring.claim(context.only_due()).await?;
        let claimed = targets.len();
        monitoring.widen(context, claimed).await;
        let monitoring = &monitoring;
        let round = concurrently_by_kind(
            CONCURRENT_TARGETS,
            CONCURRENT_TARGETS_OF_A_SERVER,
            &targets,
            |target| server(&target.address),
            async |target| target::collect(context, monitoring, target).await,
        );
        collected.extend(round.await);
        // By request all are collected from, due or not, so that a second round would do it all again.
        if claimed == 0 || !context.only_due() {
            break;
        }
    }
    report(context, collected)
}

/// The server that an address leads to. One that cannot be read leads nowhere else.
fn server(address: &str) -> String {
    let url = address.parse::<SafeUrl>();
    url.map_or_else(|_| address.to_owned(), |url| url.server())
}

/// Sums up what became of the targets. An error of the monitoring database fails the run, after all targets had their
/// turn.
fn report<H: Host>(
    context: &Context<H>,
    collected: Vec<anyhow::Result<Collected>>,
) -> anyhow::Result<Report> {
    let mut total = Collected::default();
    let targets = collected.len();
    let mut failure = None;
    for outcome in collected {
        match outcome {
            Ok(one) => total.add(one),
            Err(error) => failure = Some(error),
        }
    }
    context.touched("targets", targets);
    context.touched("down", total.down.clone());
    context.touched("samples", total.samples);
    context.touched("failed_collectors", total.failed_collectors.clone());
    match failure {
        Some(error) => Err(error),
        None if total.is_complete() => Ok(Report::ok()),
        None => Ok(Report::partial()),
    }
}
