//! Where restarts are told: on the terminal, in the log of the application, and in the monitoring database, where the
//! rule `process_restarts` makes an alert of them.

use std::time::Duration;

use anyhow::{Context, Result};
use chrono::Utc;
use db::{SafeUrl, connect};
use store::restarts::{self, Process};
use tokio::time::Instant;

use super::application;
use super::log::Log;
use crate::output::Output;
use crate::project::Project;

/// How long a try to write to the monitoring database may take.
const RECORD_DEADLINE: Duration = Duration::from_secs(3);
/// How long to wait after a try that failed.
const RECORD_INTERVAL: Duration = Duration::from_secs(5);
/// Restarts that wait to be recorded; older ones are dropped. The log has them all.
const MOST_WAITING: usize = 100;

/// An unexpected end that the monitoring database does not know of yet.
#[derive(Debug)]
struct Ended {
    process: Process,
    at: Instant,
    reason: String,
}

/// The restarts of one `up`.
#[derive(Debug)]
pub(super) struct Reports {
    log: std::path::PathBuf,
    monitoring: SafeUrl,
    output: Output,
    waiting: Vec<Ended>,
    next_try: Instant,
}

impl Reports {
    pub(super) fn new(project: &Project, monitoring: &SafeUrl, output: &Output) -> Self {
        Self {
            log: application::log_path(project),
            monitoring: monitoring.clone().with_application_name("pgvitals/up"),
            output: *output,
            waiting: Vec::new(),
            next_try: Instant::now(),
        }
    }

    /// Tells of an unexpected end, and keeps it until the monitoring database has taken it.
    pub(super) async fn ended(&mut self, process: Process, reason: &str, delay: Option<Duration>) {
        let next = match delay {
            Some(delay) => format!("it is started again in {} s", delay.as_secs()),
            None => "it is given up".to_owned(),
        };
        self.say(&format!("the {} ended ({reason}); {next}", process.as_str()))
            .await;
        if self.waiting.len() == MOST_WAITING {
            self.waiting.remove(0);
        }
        self.waiting.push(Ended {
            process,
            at: Instant::now(),
            reason: reason.to_owned(),
        });
    }

    /// Tells that a process runs again.
    pub(super) async fn is_back(&self, process: Process) {
        self.say(&format!("the {} runs again", process.as_str())).await;
    }

    /// Writes to the terminal and to the log. A log that cannot be written keeps nobody from running.
    async fn say(&self, message: &str) {
        self.output.say(&format!("note: {message}"));
        let line = format!("{} WARN pgvitals up: {message}", Utc::now().to_rfc3339());
        let written = match Log::open(&self.log) {
            Ok(mut log) => log.write(&line).await,
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            self.output.say(&format!("note: {error:#}"));
        }
    }

    /// Records in the monitoring database what waits for that, when it is time for a try.
    pub(super) async fn record(&mut self) {
        if self.waiting.is_empty() || Instant::now() < self.next_try {
            return;
        }
        // The database may be what ended, so that a failure says nothing new: the next try will do.
        let _ = tokio::time::timeout(RECORD_DEADLINE, self.record_all()).await;
        self.next_try = Instant::now() + RECORD_INTERVAL;
    }

    async fn record_all(&mut self) -> Result<()> {
        let client = connect(&self.monitoring).await?;
        while let Some(ended) = self.waiting.first() {
            restarts::record(&client, ended.process, ended.at.elapsed(), &ended.reason)
                .await
                .context("cannot record a restart")?;
            self.waiting.remove(0);
        }
        Ok(())
    }
}
