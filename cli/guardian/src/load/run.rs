//! Runs a load from its beginning to its report.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use db::{Client, Connection, DbError, SafeUrl};
use futures::future::join_all;
use tempfile::TempDir;

use super::log::{self, Entry, UnknownLine};
use super::measurement::{Measurement, Observed, Window};
use super::pgbench::{Pgbench, PgbenchError, Said, Work};
use super::progress::Progress;
use super::report::{self, Circumstances, Report};
use super::scenario::{Scenario, Worker};
use super::script::{self, UnknownVariable};
use super::subjects::Subjects;
use super::verdict::Outcome;
use crate::request::{Request, RequestError, Role};

/// How much longer than the users the workers work, so that what was queued last is done.
const DRAIN: Duration = Duration::from_secs(5);
/// The request whose threshold is that of a whole job, from being queued to its end.
const JOB_THRESHOLD: &str = "job_complete";
/// What the time of a whole job is called.
const JOB_END_TO_END: &str = "job_end_to_end";
/// The worker whose jobs are timed.
const JOB_WORKER: &str = "process_document";

/// Why a load has no report.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is no reference workload in the database.
    #[error("the database has no reference workload")]
    NotSeeded,
    /// The server would not take so many sessions.
    #[error("the load needs {wanted} sessions, and the server has {free} left")]
    TooManySessions {
        /// How many it needs.
        wanted: u32,
        /// How many are free.
        free: i64,
    },
    /// There is nobody who could send some of its requests.
    #[error("there is no {0} with a record to ask for")]
    Nobody(Role),
    /// A request that nobody can send.
    #[error("cannot make a script of a request")]
    Script(#[from] UnknownVariable),
    /// A request that is not there.
    #[error("cannot read a request")]
    Request(#[from] RequestError),
    /// What the database said.
    #[error("cannot prepare or judge the load")]
    Database(#[from] DbError),
    /// What became of pgbench.
    #[error("cannot send the load")]
    Pgbench(#[from] PgbenchError),
    /// A file could not be written or read.
    #[error("cannot keep the scripts and the log of the load")]
    Files(#[from] std::io::Error),
    /// The log has an unknown form.
    #[error("cannot read the log of the load")]
    Log(#[from] UnknownLine),
    /// Nothing was sent at all.
    #[error("not a single request was handled{}", .0.as_deref().map(|error| format!(": {error}")).unwrap_or_default())]
    Nothing(Option<String>),
    /// The histograms could not be made.
    #[error("cannot count the load")]
    Histogram(#[from] hdrhistogram::CreationError),
}

/// What a load is run against.
#[derive(Debug, Clone, Copy)]
struct Facts {
    server_version: i64,
    patients: i64,
    free_sessions: i64,
}

/// Runs a scenario on the database at `url`, to which `client` is a connection of the owner of the tables, and tells how
/// it is going about every second. The data grows by what the load writes.
///
/// # Errors
///
/// Where the load could not be sent or judged; a load that went badly has a report.
pub async fn run(
    client: &Connection,
    url: &SafeUrl,
    scenario: &Scenario,
    on_progress: impl FnMut(Progress),
) -> Result<Report, LoadError> {
    let pgbench = Pgbench::find().await?;
    let facts = facts(client, scenario).await?;
    let subjects = Subjects::prepare(client).await?;
    let roles = scenario.requests.iter().map(|share| share.request.role);
    if let Some(role) = roles.into_iter().find(|role| subjects.count(*role) == 0) {
        return Err(LoadError::Nobody(role));
    }
    let report = send(client, url, &pgbench, scenario, &subjects, facts, on_progress).await;
    // What the load found out is worth more than tables that the next load replaces.
    let _ = Subjects::remove(client).await;
    report
}

async fn facts(client: &Connection, scenario: &Scenario) -> Result<Facts, LoadError> {
    let rows = match client.query(include_str!("../../sql/load_facts.sql"), &[]).await {
        Err(error) if error.is_missing_object() => return Err(LoadError::NotSeeded),
        rows => rows?,
    };
    let row = rows.one()?;
    let facts = Facts {
        server_version: row.get("server_version")?,
        patients: row.get("patients")?,
        free_sessions: row.get("free_sessions")?,
    };
    if facts.patients == 0 {
        return Err(LoadError::NotSeeded);
    }
    if i64::from(scenario.sessions()) > facts.free_sessions {
        return Err(LoadError::TooManySessions {
            wanted: scenario.sessions(),
            free: facts.free_sessions,
        });
    }
    Ok(facts)
}

async fn send(
    client: &Connection,
    url: &SafeUrl,
    pgbench: &Pgbench,
    scenario: &Scenario,
    subjects: &Subjects,
    facts: Facts,
    on_progress: impl FnMut(Progress),
) -> Result<Report, LoadError> {
    let folder = TempDir::new()?;
    let mut scripts = Vec::with_capacity(scenario.requests.len());
    for share in &scenario.requests {
        scripts.push((write(folder.path(), &share.request, subjects)?, share.weight));
    }
    let log = folder.path().join("log");
    let whole = scenario.warm_up + scenario.duration;
    let work = Work {
        url,
        scripts: &scripts,
        sessions: scenario.users,
        rate: Some(scenario.rate),
        seconds: whole.as_secs(),
        log: Some(&log),
    };
    let mut workers = Vec::with_capacity(scenario.workers.len());
    for worker in &scenario.workers {
        let script = write(folder.path(), &worker.request, subjects)?;
        workers.push(work_of(pgbench, url, script, worker, whole + DRAIN));
    }
    let began = now(client).await?;
    let (users, workers) = tokio::join!(pgbench.run(&work, on_progress), join_all(workers));
    let mut said = vec![users?];
    for worker in workers {
        said.push(worker?);
    }
    let window = window(folder.path(), scenario, &said)?;
    let measured = measure(folder.path(), scenario, window)?;
    let seconds = scenario.duration.as_secs();
    let mut outcomes: Vec<Outcome> = scenario
        .requests
        .iter()
        .zip(measured.requests())
        .map(|(share, observed)| report::outcome(&share.request, observed, seconds))
        .collect();
    if scenario
        .workers
        .iter()
        .any(|worker| worker.request.name == JOB_WORKER)
    {
        outcomes.push(jobs(client, began + scenario.warm_up, scenario.duration).await?);
    }
    let circumstances = Circumstances {
        scenario,
        server_version: facts.server_version,
        patients: facts.patients,
        sessions_lost: said.iter().map(|said| said.sessions_lost).sum(),
        broken_off: said.into_iter().flat_map(|said| said.broken_off).collect(),
    };
    Ok(Report::new(&circumstances, outcomes, measured.series()))
}

/// Writes the script of a request.
fn write(folder: &Path, request: &Request, subjects: &Subjects) -> Result<PathBuf, LoadError> {
    let path = folder.join(format!("{}.sql", request.name));
    std::fs::write(&path, script::of(request, subjects)?)?;
    Ok(path)
}

async fn work_of(
    pgbench: &Pgbench,
    url: &SafeUrl,
    script: PathBuf,
    worker: &Worker,
    duration: Duration,
) -> Result<Said, PgbenchError> {
    let work = Work {
        url,
        scripts: &[(script, 1)],
        sessions: worker.sessions,
        rate: None,
        seconds: duration.as_secs(),
        log: None,
    };
    pgbench.run(&work, |_| {}).await
}

/// The clock of the database.
async fn now(client: &Connection) -> Result<DateTime<Utc>, DbError> {
    let now = "select (pg_catalog.clock_timestamp() at time zone 'UTC')::timestamp as now";
    client.query(now, &[]).await?.one()?.get("now")
}

/// When the load began to count: the warm-up after the first transaction should have begun.
fn window(folder: &Path, scenario: &Scenario, said: &[Said]) -> Result<Window, LoadError> {
    let mut first: Option<i64> = None;
    each_entry(folder, |entry| {
        let due = entry.due_us();
        first = Some(first.map_or(due, |first| first.min(due)));
    })?;
    let error = || said.iter().flat_map(|said| &said.broken_off).next().cloned();
    let first = first.ok_or_else(|| LoadError::Nothing(error()))?;
    let warm_up = i64::try_from(scenario.warm_up.as_micros()).unwrap_or(i64::MAX);
    Ok(Window {
        begin_us: first.saturating_add(warm_up),
        seconds: scenario.duration.as_secs(),
    })
}

fn measure(folder: &Path, scenario: &Scenario, window: Window) -> Result<Measurement, LoadError> {
    let mut measured = Measurement::new(scenario.requests.len(), window)?;
    each_entry(folder, |entry| measured.add(entry))?;
    Ok(measured)
}

/// Reads the log, line by line: it may be larger than the memory. Each thread of pgbench has a file of its own.
fn each_entry(folder: &Path, mut each: impl FnMut(&Entry)) -> Result<(), LoadError> {
    for file in std::fs::read_dir(folder)? {
        let file = file?;
        if !file.file_name().to_string_lossy().starts_with("log.") {
            continue;
        }
        for line in BufReader::new(File::open(file.path())?).lines() {
            each(&log::parse(&line?)?);
        }
    }
    Ok(())
}

/// How long the jobs took that were queued while the load counted, from that to their end.
async fn jobs(client: &Connection, from: DateTime<Utc>, duration: Duration) -> Result<Outcome, LoadError> {
    let rows = client
        .query(
            include_str!("../../sql/load_jobs.sql"),
            &[from.into(), (from + duration).into()],
        )
        .await?;
    let row = rows.one()?;
    let took: Vec<i64> = row.get("took_us")?;
    let (unfinished, dead): (i64, i64) = (row.get("unfinished")?, row.get("dead")?);
    let request = Request {
        name: JOB_END_TO_END.to_owned(),
        ..Request::named(JOB_THRESHOLD)?
    };
    let observed = Observed::of(&took, unfinished.unsigned_abs() + dead.unsigned_abs())?;
    Ok(report::outcome(&request, &observed, duration.as_secs()))
}
