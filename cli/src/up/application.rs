//! The application: the runner with the project's manifest, and its log.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use embedded_postgres::{ProcessIdentity, Signal};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::log::Log;
use crate::failure::Failure;
use crate::project::Project;

/// A runner to use instead of the one beside this program.
pub(crate) const RUNNER: &str = "PGVITALS_RUNNER";
const RUNNER_NAME: &str = "pgvitals-runner";
/// The words after which the runner takes requests; the address follows.
const READY: &str = "serving http://";
/// How long the runner may take: its first start compiles every component.
const START_DEADLINE: Duration = Duration::from_secs(180);
/// How long a stop may take. The runner itself gives running functions 20 s to finish.
const STOP_DEADLINE: Duration = Duration::from_secs(30);
/// How many lines of the log are kept for the case that the runner fails.
const LAST_LINES: usize = 15;

/// A runner that takes requests.
#[derive(Debug)]
pub(crate) struct Application {
    child: Child,
    identity: ProcessIdentity,
    lines: mpsc::Receiver<String>,
    log: Log,
}

impl Application {
    /// Starts the runner on a port of 127.0.0.1. Secrets go to it by its environment: a command line can be read by
    /// every user of the machine.
    pub(crate) fn spawn(
        project: &Project,
        port: u16,
        variables: &BTreeMap<String, String>,
        runner: Option<String>,
    ) -> Result<Self> {
        let private = project.private()?;
        let runner = find_runner(runner)?;
        let mut child = Command::new(&runner)
            .arg("--from")
            .arg(project.manifest())
            .args(["--listen", &format!("127.0.0.1:{port}"), "--cache-dir"])
            .arg(private.join("modules"))
            .envs(variables)
            .current_dir(project.root())
            // Ctrl-C in the terminal is for us: we stop it after what depends on it.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{}`", runner.display()))?;
        let identity = child
            .id()
            .and_then(ProcessIdentity::of)
            .context("the runner ended at once")?;
        // A full channel makes the runner wait for us, which only a standing disk can bring about.
        let (sender, lines) = mpsc::channel(1024);
        follow(child.stdout.take(), sender.clone());
        follow(child.stderr.take(), sender);
        Ok(Self {
            child,
            identity,
            lines,
            log: Log::open(&log_path(project))?,
        })
    }

    pub(crate) fn identity(&self) -> &ProcessIdentity {
        &self.identity
    }

    /// Waits until the runner takes requests, and gives its address.
    pub(crate) async fn ready(&mut self) -> Result<String> {
        let mut last = Vec::new();
        let deadline = tokio::time::Instant::now() + START_DEADLINE;
        loop {
            let line = tokio::time::timeout_at(deadline, self.lines.recv())
                .await
                .map_err(|_| {
                    let seconds = START_DEADLINE.as_secs();
                    Failure::new(
                        format!("the application does not serve after {seconds} s"),
                        "see its log",
                    )
                })?;
            let Some(line) = line else {
                let status = self.child.wait().await.context("cannot wait for the runner")?;
                bail!(
                    "the runner ended ({status}) instead of serving:\n{}",
                    last.join("\n")
                );
            };
            self.log.write(&line).await?;
            if let Some((_, address)) = line.split_once(READY) {
                return Ok(address.trim().trim_end_matches('/').to_owned());
            }
            if last.len() == LAST_LINES {
                last.remove(0);
            }
            last.push(line);
        }
    }

    /// Writes the log until the runner ends, which it does not by itself.
    pub(crate) async fn ended(&mut self) -> Result<ExitStatus> {
        while let Some(line) = self.lines.recv().await {
            self.log.write(&line).await?;
        }
        self.child.wait().await.context("cannot wait for the runner")
    }

    /// Asks it to stop, lets running functions finish, and insists after a while.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.identity.signal(Signal::Terminate);
        if let Ok(ended) = tokio::time::timeout(STOP_DEADLINE, self.ended()).await {
            return ended.map(drop);
        }
        self.child.kill().await.context("cannot kill the runner")
    }
}

/// Stops a runner that an earlier `up` left behind.
pub(crate) async fn stop_left_behind(identity: &ProcessIdentity) {
    identity.signal(Signal::Terminate);
    let deadline = tokio::time::Instant::now() + STOP_DEADLINE;
    while identity.is_alive() {
        if tokio::time::Instant::now() > deadline {
            identity.signal(Signal::Kill);
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(crate) fn log_path(project: &Project) -> PathBuf {
    project.place("application.log")
}

fn find_runner(named: Option<String>) -> Result<PathBuf> {
    if let Some(path) = named {
        return Ok(PathBuf::from(path));
    }
    let ours = std::env::current_exe().context("cannot find out where this program is")?;
    let beside = ours.with_file_name(RUNNER_NAME);
    if Path::is_file(&beside) {
        return Ok(beside);
    }
    Err(Failure::new(
        format!("there is no `{}`", beside.display()),
        format!("build it by `scripts/build`, or set {RUNNER} to where it is"),
    )
    .into())
}

fn follow(output: Option<impl AsyncRead + Send + Unpin + 'static>, lines: mpsc::Sender<String>) {
    let Some(output) = output else { return };
    tokio::spawn(async move {
        let mut reader = BufReader::new(output).lines();
        while let Ok(Some(line)) = reader.next_line().await {
            if lines.send(line).await.is_err() {
                return;
            }
        }
    });
}
