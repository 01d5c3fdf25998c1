//! One target, from its connection to its completion.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use db::{Client, DbError, ErrorKind, Rows, Series, Value};
use function::{Context, Failure, Host, TargetRow};
use futures::lock::Mutex;
use store::collector_status::CollectorRun;
use store::collectors::{self, Collector, Fitting, Keeps, Look, TargetKind};
use store::samples::{self, Planned};
use store::snapshots::Write;
use store::targets::{State, Target};
use vitals::outcome::Outcome;

use crate::monitoring::Monitoring;
use crate::reading::Budget;
use crate::source::Source;
use crate::{activity, blocked_sessions, databases, statements, subjects};

/// The longest any target may take, whatever its row says: a run has to end before its own deadline.
pub(crate) const LONGEST: Duration = Duration::from_secs(45);

/// How long the first look at a server may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);

/// What every collector has at hand.
pub(crate) struct Collecting<'a, C> {
    pub(crate) monitoring: &'a Monitoring<C>,
    pub(crate) target: &'a Target,
    pub(crate) source: &'a Source<'a, C>,
    pub(crate) budget: &'a Budget,
    pub(crate) look: &'a Look,
}

impl<C: Client> Collecting<'_, C> {
    /// Sends a collector's statement and reads its rows.
    pub(crate) async fn read(&self, fitting: &Fitting, parameters: &[Value]) -> Result<Rows, DbError> {
        self.source.read(self.budget, fitting, parameters).await
    }

    /// What is to be read now: on schedule what is due, by request everything. What may take longest comes last, so
    /// that a lock or a slow disk that it meets costs the others nothing.
    async fn plan(&self, only_due: bool) -> Result<Vec<Planned>, DbError> {
        let target_id = self.target.target_id;
        let plan = async |client: &C| samples::plan(client, target_id, only_due, self.look.started_at).await;
        let mut planned = self.monitoring.unit(plan).await?;
        planned.sort_by_key(|planned| collectors::find(&planned.collector).map(Collector::timeout));
        Ok(planned)
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
        Sampled::written(write, measured.is_some())
    }

    /// The same, where it is known whether there was anything to compare with.
    pub(crate) fn written(write: Write, compared: bool) -> Sampled {
        match write {
            Write::Swapped { samples } if compared => Sampled::Rows(samples),
            Write::Swapped { .. } | Write::Lost => Sampled::Gap,
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
    match target.kind {
        TargetKind::Postgres => collect_from_server(context, monitoring, target, &budget).await,
        TargetKind::PgBouncer => collect_from_console(context, monitoring, target, &budget).await,
    }
}

fn row(target: &Target) -> TargetRow<'_> {
    TargetRow {
        name: &target.name,
        address: &target.address,
        secret: &target.secret,
    }
}

async fn collect_from_server<H: Host>(
    context: &Context<H>,
    monitoring: &Monitoring<H::Client>,
    target: &Target,
    budget: &Budget,
) -> anyhow::Result<Collected> {
    let connected = budget
        .spend("connecting to the target", context.target(row(target)))
        .await;
    let client = match connected {
        Ok(client) => client,
        Err(error) => return down(context, monitoring, target, &error).await,
    };
    let series = budget.series(&client);
    let look = match look(&series, budget).await {
        Ok(look) => look,
        Err(error) => return down(context, monitoring, target, &error.into()).await,
    };
    let source = Source::Postgres(series);
    let collecting = Collecting {
        monitoring,
        target,
        source: &source,
        budget,
        look: &look,
    };
    let collected = collect_all(context, &collecting).await;
    // Also where the monitoring database failed, the target is left alone.
    source.end(budget).await;
    collected
}

async fn collect_from_console<H: Host>(
    context: &Context<H>,
    monitoring: &Monitoring<H::Client>,
    target: &Target,
    budget: &Budget,
) -> anyhow::Result<Collected> {
    let at = monitoring.now(context).await?;
    let connecting = context.console(row(target));
    let console = match budget.spend("connecting to the target", connecting).await {
        Ok(console) => console,
        Err(error) => return down(context, monitoring, target, &error).await,
    };
    let look = Look::of_pgbouncer(console.version(), at);
    let collecting = Collecting {
        monitoring,
        target,
        source: &Source::PgBouncer(Mutex::new(console)),
        budget,
        look: &look,
    };
    collect_all(context, &collecting).await
}

/// Asks the server what it is and has.
async fn look<C: Client>(series: &Series<'_, C>, budget: &Budget) -> Result<Look, DbError> {
    let (sql, parameters) = Look::statement();
    let rows = budget
        .read(series, "server", LOOK_TIMEOUT, sql, &parameters)
        .await?;
    Look::read(rows.one()?)
}

/// Runs every collector that is due, one after the other: one connection, one statement at a time.
async fn collect_all<H: Host>(
    context: &Context<H>,
    collecting: &Collecting<'_, H::Client>,
) -> anyhow::Result<Collected> {
    let begin = Instant::now();
    let plan = collecting
        .plan(context.only_due())
        .await
        .with_context(|| format!("cannot find out what is due on target {}", collecting.target.name))?;
    let mut collected = Collected::default();
    let mut runs = Vec::with_capacity(plan.len());
    for planned in &plan {
        let begun = Instant::now();
        let (outcome, rows) = match collect_one(collecting, planned).await {
            Ok(Sampled::Rows(rows)) => (Outcome::Ok, rows),
            Ok(Sampled::Gap) => (Outcome::NoData, 0),
            Ok(Sampled::Skipped(reason)) => (Outcome::Skipped(reason), 0),
            Err(StepError::Target(error)) if error.is_connection() || collecting.budget.is_spent() => {
                record(collecting, begin, runs).await?;
                return down(context, collecting.monitoring, collecting.target, &error.into()).await;
            }
            Err(StepError::Target(error)) => {
                let name = format!("{}/{}", collecting.target.name, planned.collector);
                collected.failed_collectors.push(name);
                (Outcome::Failed(reason(&error)), 0)
            }
            Err(error @ StepError::Store(_)) => {
                let what = format!(
                    "collector {} of target {}",
                    planned.collector, collecting.target.name
                );
                return Err(error).with_context(|| what);
            }
        };
        collected.samples += rows;
        runs.push(CollectorRun {
            target_id: collecting.target.target_id,
            collector: planned.collector.clone(),
            outcome,
            rows,
            duration_ms: begun.elapsed().as_secs_f64() * 1000.0,
            begun_ms_ago: 0.0,
        });
    }
    collecting.source.end(collecting.budget).await;
    record(collecting, begin, runs).await?;
    let look = collecting.look;
    let is_server = collecting.target.kind == TargetKind::Postgres;
    let state = State::Up {
        server_version: look.version,
        server_started_at: is_server.then_some(look.started_at),
        in_recovery: is_server.then_some(look.in_recovery),
    };
    collecting
        .monitoring
        .complete(collecting.target, state)
        .await
        .context("cannot write the state of a target")?;
    Ok(collected)
}

/// Runs one collector, if it can work on the target as the target is.
async fn collect_one<C: Client>(
    collecting: &Collecting<'_, C>,
    planned: &Planned,
) -> Result<Sampled, StepError> {
    if let Some(reader) = &planned.read_by {
        let reason = format!("read_elsewhere: target {reader} is of the same server and reads it");
        return Ok(Sampled::Skipped(reason));
    }
    let Some(collector) = collectors::find(&planned.collector) else {
        let reason = format!(
            "not_in_this_version: this release has no collector {}",
            planned.collector
        );
        return Ok(Sampled::Skipped(reason));
    };
    let fitting = match collecting.look.fit(collector) {
        Ok(fitting) => fitting,
        Err(unfit) => return Ok(Sampled::Skipped(unfit.to_string())),
    };
    let sampled = match (collector.keeps, collector.name) {
        (Keeps::Own, "activity") => activity::collect(collecting, &fitting).await,
        (Keeps::Own, "blocked_sessions") => blocked_sessions::collect(collecting, &fitting).await,
        (Keeps::Own, "databases") => databases::collect(collecting, planned, &fitting).await,
        (Keeps::Own, "statements") => statements::collect(collecting, planned, &fitting).await,
        (Keeps::Own, _) => Ok(Sampled::Skipped(
            "not_in_this_version: nothing stores it".to_owned(),
        )),
        (Keeps::All | Keeps::Changes, _) => subjects::collect(collecting, collector, planned, &fitting).await,
    };
    match sampled {
        // Rights and objects that are missing are how the target is, and no fault of the run.
        Err(StepError::Target(error)) if is_lack(&error) => Ok(Sampled::Skipped(reason(&error))),
        sampled => sampled,
    }
}

fn is_lack(error: &DbError) -> bool {
    matches!(error.kind, ErrorKind::MissingPrivilege | ErrorKind::MissingObject)
}

/// Writes how the collectors fared. `begin` is when they were found to be due.
async fn record<C: Client>(
    collecting: &Collecting<'_, C>,
    begin: Instant,
    mut runs: Vec<CollectorRun>,
) -> anyhow::Result<()> {
    let begun_ms_ago = begin.elapsed().as_secs_f64() * 1000.0;
    for run in &mut runs {
        run.begun_ms_ago = begun_ms_ago;
    }
    collecting
        .monitoring
        .unit(async |client| store::collector_status::record(client, &runs).await)
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
