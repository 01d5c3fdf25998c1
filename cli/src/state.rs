//! What `up` left for the other commands to find: who runs, and where.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use embedded_postgres::ProcessIdentity;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::project::Project;

/// A running set-up, in `.pgvitals/up.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// The `up` that watches over it all.
    pub(crate) up: ProcessIdentity,
    /// The runner.
    pub(crate) application: Option<ProcessIdentity>,
    /// The default database, when it is used.
    pub(crate) postgres: Option<ProcessIdentity>,
    /// The data directory of the default database.
    pub(crate) data: Option<PathBuf>,
    /// What is shown on the screen, once everything runs.
    pub(crate) screen: Option<Screen>,
}

/// What somebody wants to know of a running set-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Screen {
    /// Where the application is.
    pub(crate) url: String,
    /// The monitoring database, without a password.
    pub(crate) monitoring: String,
    /// The version of its server.
    pub(crate) server_version: String,
    /// Who is watched: name and address.
    pub(crate) targets: Vec<(String, String)>,
    /// The names of the channels that alerts go to.
    pub(crate) channels: Vec<String>,
    /// Where the data of the default database lies, when that is used.
    pub(crate) data: Option<String>,
    /// Whether a load is being made.
    pub(crate) demo: bool,
    /// The log of the application, as seen from the project.
    pub(crate) log: String,
}

impl State {
    fn place(project: &Project) -> PathBuf {
        project.place("up.json")
    }

    /// What is written there, whoever of it is still alive.
    pub(crate) fn load(project: &Project) -> Option<Self> {
        // A file that was cut off by a crash is as good as none.
        fs::read(Self::place(project))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
    }

    /// Where the application is that `up` started.
    pub(crate) fn running_application(project: &Project) -> Result<String> {
        Self::load(project)
            .filter(|state| state.up.is_alive())
            .and_then(|state| state.screen)
            .map(|screen| screen.url)
            .ok_or_else(|| {
                Failure::new(
                    "the application is not running",
                    "start it by `pgvitals up`, or name another by --url",
                )
                .into()
            })
    }

    /// Writes it beside its place first: a reader sees the old one or the new one.
    pub(crate) fn save(&self, project: &Project) -> Result<()> {
        let place = Self::place(project);
        let new = place.with_extension("new");
        fs::write(&new, serde_json::to_vec_pretty(self)?)
            .and_then(|()| fs::rename(&new, &place))
            .with_context(|| format!("cannot write `{}`", place.display()))
    }

    /// Forgets it.
    pub(crate) fn remove(project: &Project) -> Result<()> {
        let place = Self::place(project);
        match fs::remove_file(&place) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove `{}`", place.display()))
            }
            _ => Ok(()),
        }
    }
}

/// The right to run things in this project. The system takes it back from a process that ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Takes it; `None` when another process has it.
    pub(crate) fn take(project: &Project) -> Result<Option<Self>> {
        project.private()?;
        let path = Self::place(project);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("cannot create `{}`", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock `{}`", path.display()))
            }
        }
    }

    /// Writes down who has it, for those who come too late.
    pub(crate) fn sign(&mut self) -> Result<()> {
        let holder = Holder {
            pid: std::process::id(),
            since: Utc::now(),
        };
        let text = serde_json::to_vec(&holder)?;
        self.file
            .set_len(0)
            .and_then(|()| self.file.write_all(&text))
            .context("cannot write down who runs pgvitals here")
    }

    fn place(project: &Project) -> PathBuf {
        project.place("up.lock")
    }
}

/// Who has the right to run things in a project, and since when.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Holder {
    /// The process id of its `up`.
    pid: u32,
    since: DateTime<Utc>,
}

impl Holder {
    /// The holder of the lock. `None` for one that has not signed yet.
    pub(crate) fn of(project: &Project) -> Option<Self> {
        let text = fs::read(Lock::place(project)).ok()?;
        let holder: Self = serde_json::from_slice(&text).ok()?;
        ProcessIdentity::of(holder.pid).map(|_| holder)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.since.format("%Y-%m-%d %H:%M:%S");
        write!(formatter, "process {} since {since} UTC", self.pid)
    }
}
