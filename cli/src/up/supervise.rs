//! Looks after the processes of a running set-up: one that ends by itself is started again, with growing delays, until
//! it is given up.

use std::pin::pin;
use std::time::Duration;

use anyhow::{Error, Result};
use db::SafeUrl;
use store::restarts::Process;
use tokio::time::{Instant, Interval, interval, sleep};

use super::application::{Application, Launch};
use super::backoff::{Backoff, Patience};
use super::postgres::DefaultPostgres;
use super::reports::Reports;
use super::{Started, Stop};
use crate::failure::{Failure, chain};
use crate::output::Output;
use crate::project::Project;
use crate::settings::Settings;
use crate::state::State;

/// How often the default database is looked at.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// What it takes to start the processes again.
pub(super) struct Supervision<'a> {
    pub(super) project: &'a Project,
    pub(super) settings: &'a mut Settings,
    pub(super) output: &'a Output,
    /// How the application is started.
    pub(super) launch: Launch,
    /// How long ends are put up with.
    pub(super) patience: Patience,
    /// The address that restarts are recorded at.
    pub(super) monitoring: SafeUrl,
}

impl Started {
    /// Stays until somebody stops us, which is well, or until a process is given up, which is not.
    pub(super) async fn watch(&mut self, supervision: Supervision<'_>, stop: &mut Stop) -> Result<()> {
        let mut backoff = Backoff::new(supervision.patience, Instant::now());
        let mut guard = Guard {
            reports: Reports::new(supervision.project, &supervision.monitoring, supervision.output),
            tick: interval(WATCH_INTERVAL),
            backoff: Backoff::new(supervision.patience, Instant::now()),
            due: None,
            state: &mut self.state,
            postgres: &mut self.postgres,
            supervision,
        };
        loop {
            let Some(application) = &mut self.application else {
                return Ok(());
            };
            let Some(status) = guard.until(application.ended(), stop).await? else {
                return Ok(());
            };
            let mut reason = status?.to_string();
            loop {
                self.application = None;
                let delay = guard.ended(Process::Application, &reason, &mut backoff).await?;
                if guard.until(sleep(delay), stop).await?.is_none() {
                    return Ok(());
                }
                backoff.started(Instant::now());
                let started = match guard.start_application() {
                    Ok(application) => {
                        guard
                            .until(self.application.insert(application).ready(), stop)
                            .await?
                    }
                    Err(error) => Some(Err(error)),
                };
                match started {
                    None => return Ok(()),
                    Some(Ok(_)) => break,
                    Some(Err(error)) => reason = chain(&error).join(": "),
                }
            }
            guard.reports.is_back(Process::Application).await;
        }
    }
}

/// Watches over the default database while something else is waited for.
struct Guard<'a> {
    supervision: Supervision<'a>,
    reports: Reports,
    tick: Interval,
    /// The record of the default database.
    backoff: Backoff,
    /// When the default database is to be started again.
    due: Option<Instant>,
    state: &'a mut State,
    postgres: &'a mut Option<DefaultPostgres>,
}

impl Guard<'_> {
    /// Waits for some work; `None` when somebody stops us first.
    async fn until<T>(&mut self, work: impl Future<Output = T>, stop: &mut Stop) -> Result<Option<T>> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                () = stop.requested() => return Ok(None),
                outcome = &mut work => return Ok(Some(outcome)),
                _ = self.tick.tick() => {}
            }
            self.look().await?;
            self.reports.record().await;
        }
    }

    /// Reports an end and returns the delay before the next start.
    async fn ended(&mut self, process: Process, reason: &str, backoff: &mut Backoff) -> Result<Duration> {
        let delay = backoff.ended(Instant::now());
        self.reports.ended(process, reason, delay).await;
        delay.ok_or_else(|| self.given_up(process, reason, backoff))
    }

    fn given_up(&self, process: Process, reason: &str, backoff: &Backoff) -> Error {
        let log = match process {
            Process::Application => super::application::log_path(self.supervision.project),
            Process::Database => self.supervision.project.place("postgres").join("log"),
        };
        Failure::new(
            format!(
                "the {} ended {} times in a row and is given up; the last time: {reason}",
                process.as_str(),
                backoff.ends()
            ),
            format!("see {}", self.supervision.project.shown(&log)),
        )
        .into()
    }

    fn start_application(&mut self) -> Result<Application> {
        let Supervision {
            project,
            launch,
            output,
            ..
        } = &self.supervision;
        let application = Application::spawn(project, launch, output)?;
        self.state.application = Some(application.identity().clone());
        self.state.save(project)?;
        Ok(application)
    }

    /// Sees whether the default database is there, and starts it again when it is time for that.
    async fn look(&mut self) -> Result<()> {
        if let Some(postgres) = self.postgres
            && !postgres.is_alive()
        {
            *self.postgres = None;
            self.due = Some(self.database_ended("it is gone".to_owned()).await?);
        }
        if self.due.is_some_and(|due| due <= Instant::now()) {
            self.due = match self.start_database().await {
                Ok(()) => None,
                Err(error) => Some(self.database_ended(chain(&error).join(": ")).await?),
            };
        }
        Ok(())
    }

    /// Reports an end of the default database and returns when it is to be started again.
    async fn database_ended(&mut self, reason: String) -> Result<Instant> {
        let delay = self.backoff.ended(Instant::now());
        self.reports.ended(Process::Database, &reason, delay).await;
        match delay {
            Some(delay) => Ok(Instant::now() + delay),
            None => Err(self.given_up(Process::Database, &reason, &self.backoff)),
        }
    }

    async fn start_database(&mut self) -> Result<()> {
        self.backoff.started(Instant::now());
        let Supervision {
            project,
            settings,
            output,
            ..
        } = &mut self.supervision;
        let postgres = DefaultPostgres::start_again(project, settings, output).await?;
        self.state.postgres = Some(postgres.identity().clone());
        self.state.save(project)?;
        *self.postgres = Some(postgres);
        self.reports.is_back(Process::Database).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use super::*;

    /// A program in place of the runner.
    fn program(folder: &Path, script: &str) -> Launch {
        let path = folder.join("pgvitals-runner");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        Launch {
            port: 1,
            variables: BTreeMap::new(),
            runner: Some(path.to_string_lossy().into_owned()),
        }
    }

    /// Watches over a program until it is given up, without long waits.
    async fn watch(folder: &Path, script: &str) -> Result<()> {
        fs::write(folder.join("spin.toml"), "").unwrap();
        let project = Project::find(Some(folder)).unwrap();
        project.private().unwrap();
        let output = Output::new(false);
        let launch = program(folder, script);
        let mut started = Started::new(&project).unwrap();
        started.application = Some(Application::spawn(&project, &launch, &output).unwrap());
        let supervision = Supervision {
            settings: &mut Settings::load(&project).unwrap(),
            // Nobody listens there, so that nothing can be recorded.
            patience: Patience {
                first_delay: Duration::from_millis(1),
                limit: 3,
                ..Patience::default()
            },
            monitoring: "postgres://nobody@127.0.0.1:1/none".parse().unwrap(),
            project: &project,
            output: &output,
            launch,
        };
        let mut stop = Stop::new().unwrap();
        started.watch(supervision, &mut stop).await
    }

    #[tokio::test]
    async fn an_application_that_ends_again_and_again_is_given_up_and_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let error = watch(
            folder.path(),
            "echo begun >> starts; echo serving http://there/; sleep 0.1; exit 3",
        )
        .await
        .unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the application ended 4 times in a row and is given up"),
            "{error}"
        );
        let starts = fs::read_to_string(folder.path().join("starts")).unwrap();
        assert_eq!(starts.lines().count(), 4);
        let log = fs::read_to_string(folder.path().join(".pgvitals/application.log")).unwrap();
        assert!(
            log.contains("the application ended (exit status: 3); it is started again in 0 s"),
            "{log}"
        );
        assert!(log.contains("it is given up"), "{log}");
    }
}
