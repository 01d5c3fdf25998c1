//! One target, from its connection to its completion.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use db::{Client, DbError};
use function::{Context, Failure, Host};
use store::collector_status::CollectorRun;
use store::collectors::SERVER;
use store::snapshots::{self, Stored, Write};
use store::targets::{State, Target};
use vitals::outcome::Outcome;

use crate::monitoring::Monitoring;
use crate::reading::Budget;
use crate::{activity, databases, statements};

/// The longest any target may take, whatever its row says: a run has to end before its own deadline.
pub(crate) const LONGEST: Duration = Duration::from_secs(45);

/// What a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) version: i32,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) in_recovery: bool,
    /// Its clock at the beginning of the collection.
    pub(crate) at: DateTime<Utc>,
}

/// What every collector has at hand.
pub(crate) struct Collecting<'a, C> {
    pub(crate) monitoring: &'a Monitoring<C>,
    pub(crate) target: &'a Target,
    pub(crate) client: &'a C,
    pub(crate) budget: &'a Budget,
    pub(crate) server: &'a Server,
}

impl<C: Client> Collecting<'_, C> {
    /// The last counters of a collector on this target.
    pub(crate) async fn last(&self, collector: &str) -> Result<Option<Stored>, StepError> {
        let target_id = self.target.target_id;
        let load = async |client: &C| snapshots::load(client, target_id, collector).await;
        self.monitoring.unit(load).await.map_err(StepError::Store)
    }
}

/// What a collector that worked gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sampled {
    /// So many samples were stored.
    Rows(i64),
    /// There was nothing to compare with, for this reason: a gap.
    Gap,
    /// It cannot work on this target as the target is, for this reason.
    Skipped(String),
}

impl Sampled {
    /// What came of writing the counters of an interval, or of a gap. Where another collector was faster it has written
    /// the interval, and there is nothing left to write.
    pub(crate) fn of(measured: Option<Duration>, write: Write) -> Sampled {
        match (measured, write) {
            (Some(_), Write::Swapped { samples }) => Sampled::Rows(samples),
            (None, Write::Swapped { .. }) | (_, Write::Lost) => Sampled::Gap,
        }
    }
}

/// What failed in a collector.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    /// The target. It costs this collector, or the target if it is gone.
    #[error(transparent)]
    Target(#[from] DbError),
    /// The monitoring database. It costs the run.
    #[error("cannot write samples")]
    Store(#[source] DbError),
}

/// What became of a target, and then of all.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Collected {
    /// The targets that did not answer.
    pub(crate) down: Vec<String>,
    /// How many samples were stored.
    pub(crate) samples: i64,
    /// Collectors that failed, as `TARGET/COLLECTOR`.
    pub(crate) failed_collectors: Vec<String>,
}

impl Collected {
    /// Adds what became of another target.
    pub(crate) fn add(&mut self, other: Collected) {
        self.down.extend(other.down);
        self.samples += other.samples;
        self.failed_collectors.extend(other.failed_collectors);
    }

    /// Whether everything was collected that could be.
    pub(crate) fn is_complete(&self) -> bool {
        self.down.is_empty() && self.failed_collectors.is_empty()
    }
}

/// Collects from one target and gives it back, whatever came of it.
pub(crate) async fn collect<H: Host>(
    context: &Context<H>,
    monitoring: &Monitoring<H::Client>,
    target: &Target,
) -> anyhow::Result<Collected> {
    let budget = Budget::new(context.application_name(), target.timeout.min(LONGEST));
    match connect(context, target, &budget).await {
        Ok((client, server)) => {
            let collecting = Collecting {
                monitoring,
                target,
                client: &client,
                budget: &budget,
                server: &server,
            };
            collect_all(context, &collecting).await
        }
        Err(error) => down(context, monitoring, target, &error).await,
    }
}

/// Opens the connection and asks the server what it is.
async fn connect<H: Host>(
    context: &Context<H>,
    target: &Target,
    budget: &Budget,
) -> anyhow::Result<(H::Client, Server)> {
    let client = budget
        .spend(
            "connecting to the target",
            context.target(&target.address, &target.secret),
        )
        .await?;
    let rows = budget.read(&client, "server", SERVER, &[]).await?;
    let row = rows.one()?;
    let server = Server {
        version: row.get("server_version")?,
        started_at: row.get("started_at")?,
        in_recovery: row.get("in_recovery")?,
        at: row.get("at")?,
    };
    Ok((client, server))
}

/// Runs every collector, one after the other: one connection, one statement at a time.
async fn collect_all<H: Host>(
    context: &Context<H>,
    collecting: &Collecting<'_, H::Client>,
) -> anyhow::Result<Collected> {
    let mut collected = Collected::default();
    let mut runs = Vec::new();
    for collector in ["activity", "databases", "statements"] {
        let begin = Instant::now();
        let outcome = match collector {
            "activity" => activity::collect(collecting).await,
            "databases" => databases::collect(collecting).await,
            _ => statements::collect(collecting).await,
        };
        let (outcome, rows) = match outcome {
            Ok(Sampled::Rows(rows)) => (Outcome::Ok, rows),
            Ok(Sampled::Gap) => (Outcome::NoData, 0),
            Ok(Sampled::Skipped(reason)) => (Outcome::Skipped(reason), 0),
            Err(StepError::Target(error)) if error.is_connection() || collecting.budget.is_spent() => {
                record(collecting, &runs).await?;
                return down(context, collecting.monitoring, collecting.target, &error.into()).await;
            }
            Err(StepError::Target(error)) => {
                collected
                    .failed_collectors
                    .push(format!("{}/{collector}", collecting.target.name));
                (Outcome::Failed(reason(&error)), 0)
            }
            Err(error @ StepError::Store(_)) => {
                return Err(error).with_context(|| format!("target {}", collecting.target.name));
            }
        };
        collected.samples += rows;
        runs.push(CollectorRun {
            target_id: collecting.target.target_id,
            collector: collector.to_owned(),
            outcome,
            rows,
            duration_ms: begin.elapsed().as_secs_f64() * 1000.0,
        });
    }
    record(collecting, &runs).await?;
    let server = collecting.server;
    let state = State::Up {
        server_version: server.version,
        server_started_at: server.started_at,
        in_recovery: server.in_recovery,
    };
    collecting
        .monitoring
        .complete(collecting.target, state)
        .await
        .context("cannot write the state of a target")?;
    Ok(collected)
}

async fn record<C: Client>(collecting: &Collecting<'_, C>, runs: &[CollectorRun]) -> anyhow::Result<()> {
    collecting
        .monitoring
        .unit(async |client| store::collector_status::record(client, runs).await)
        .await
        .context("cannot write how the collectors fared")
}

/// The code, which is bounded, and what the server said, for people.
fn reason(error: &DbError) -> String {
    match &error.hint {
        Some(hint) => format!("{}: {error} ({hint})", error.code()),
        None => format!("{}: {error}", error.code()),
    }
}

/// Writes that the target did not answer.
async fn down<H: Host>(
    context: &Context<H>,
    monitoring: &Monitoring<H::Client>,
    target: &Target,
    error: &anyhow::Error,
) -> anyhow::Result<Collected> {
    let failure = Failure::of(error);
    let log = context.log();
    let mut fields = failure.to_json();
    fields["target"] = target.name.as_str().into();
    log.warn("The target did not answer", fields);
    let state = State::Down {
        code: failure.code,
        error: &failure.error,
    };
    monitoring
        .complete(target, state)
        .await
        .context("cannot write the state of a target")?;
    Ok(Collected {
        down: vec![target.name.clone()],
        ..Collected::default()
    })
}

#[cfg(test)]
mod tests {
    use db::ErrorKind;

    use super::*;

    #[test]
    fn a_reason_begins_with_its_code() {
        let error = DbError::new(ErrorKind::LockTimeout, "canceling statement due to lock timeout");
        assert!(reason(&error).starts_with("lock_timeout: "));
    }
}
