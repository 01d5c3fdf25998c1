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
use crate::output::Output;
use crate::project::Project;

/// A runner to use instead of the one beside this program.
pub(crate) const RUNNER: &str = "PGVITALS_RUNNER";
/// The servers to which the runner gives weak proofs of a password; the runner's variable.
pub(crate) const RUNNER_WEAK_AUTHENTICATION: &str = "PGVITALS_WEAK_AUTHENTICATION";
const RUNNER_NAME: &str = "pgvitals-runner";
/// The folder in which components keep what they remember.
const MEMORY: &str = "memory";
/// The words after which the runner takes requests; the address follows.
const READY: &str = "serving http://";
/// How long the runner may take: its first start compiles every component.
const START_DEADLINE: Duration = Duration::from_secs(180);
/// How long a stop may take. The runner itself gives running functions 20 s to finish.
const STOP_DEADLINE: Duration = Duration::from_secs(30);
/// How many lines of the log are kept for the case that the runner fails.
const LAST_LINES: usize = 15;

/// How the runner is started.
#[derive(Debug)]
pub(super) struct Launch {
    /// The port of 127.0.0.1 that it listens on.
    pub(super) port: u16,
    /// Its environment, secrets included.
    pub(super) variables: BTreeMap<String, String>,
    /// The program to use instead of the one beside this one.
    pub(super) runner: Option<String>,
}

/// A runner that takes requests.
#[derive(Debug)]
pub(crate) struct Application {
    child: Child,
    identity: ProcessIdentity,
    lines: mpsc::Receiver<String>,
    log: Log,
    output: Output,
    log_failed: bool,
}

impl Application {
    /// Starts the runner on a port of 127.0.0.1. Secrets go to it by its environment: a command line can be read by
    /// every user of the machine.
    pub(super) fn spawn(project: &Project, launch: &Launch, output: &Output) -> Result<Self> {
        let private = project.private()?;
        let runner = find_runner(launch.runner.as_deref())?;
        // Whatever can fail comes first: nobody would stop a runner that we gave up on.
        let log = Log::open(&log_path(project))?;
        let mut child = Command::new(&runner)
            .arg("--from")
            .arg(project.manifest())
            .args(["--listen", &format!("127.0.0.1:{}", launch.port), "--cache-dir"])
            .arg(private.join("modules"))
            .arg("--state-dir")
            .arg(private.join(MEMORY))
            .envs(&launch.variables)
            .current_dir(project.root())
            // Ctrl-C in the terminal is for us: we stop it after what depends on it.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
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
            log,
            output: *output,
            log_failed: false,
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
            self.record(&line).await;
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
            self.record(&line).await;
        }
        self.child.wait().await.context("cannot wait for the runner")
    }

    /// Writes a line to the log. A full disk must not end the monitoring, which may be about to tell of it: it is
    /// said once, and the lines are read on, so that the runner does not wait for us.
    async fn record(&mut self, line: &str) {
        if let Err(error) = self.log.write(line).await
            && !self.log_failed
        {
            self.log_failed = true;
            self.output.say(&format!(
                "note: {error:#}; the application runs on, and lines of its log are lost"
            ));
        }
    }

    /// Asks it to stop, lets running functions finish, and insists after a while.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.identity.signal(Signal::Terminate);
        if let Ok(Ok(_)) = tokio::time::timeout(STOP_DEADLINE, self.ended()).await {
            return Ok(());
        }
        self.child.kill().await.context("cannot kill the runner")
    }
}

/// The runner of this project that an earlier `up` left behind: the one that it wrote down, or one that has its memory
/// in this project. An `up` that was killed while it started had no time to write down what it started.
pub(crate) fn left_behind(project: &Project, recorded: Option<ProcessIdentity>) -> Option<ProcessIdentity> {
    let memory = project.place(MEMORY);
    recorded
        .filter(ProcessIdentity::is_alive)
        .or_else(|| ProcessIdentity::find(RUNNER_NAME, &["--state-dir".as_ref(), memory.as_os_str()]))
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

fn find_runner(named: Option<&str>) -> Result<PathBuf> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A program in place of the runner, and a log that takes nothing, like a full disk. It begins when it is known who
    /// it is, as nobody can be told of one that has ended.
    fn application(script: &str) -> Application {
        let mut child = Command::new("/bin/sh")
            .args(["-c", &format!("read begin; {script}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel(4);
        follow(child.stdout.take(), sender);
        let identity = child.id().and_then(ProcessIdentity::of).unwrap();
        drop(child.stdin.take());
        Application {
            identity,
            child,
            lines,
            log: Log::open(Path::new("/dev/full")).unwrap(),
            output: Output::new(false),
            log_failed: false,
        }
    }

    #[tokio::test]
    async fn a_log_that_cannot_be_written_keeps_nobody_from_serving_and_is_told_once() {
        let mut application = application(
            "for n in $(seq 100); do echo line $n; done; echo serving http://there/; exec sleep 600",
        );
        assert_eq!(application.ready().await.unwrap(), "there");
        assert!(application.log_failed);
        let identity = application.identity().clone();
        application.stop().await.unwrap();
        assert!(!identity.is_alive());
    }

    #[tokio::test]
    async fn the_end_of_the_runner_is_seen_though_its_log_cannot_be_written() {
        let mut application = application("for n in $(seq 100); do echo line $n; done; exit 3");
        assert_eq!(application.ended().await.unwrap().code(), Some(3));
        assert!(application.log_failed);
    }

    #[tokio::test]
    async fn a_runner_that_is_given_up_on_does_not_stay() {
        let identity = application("exec sleep 600").identity().clone();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        while identity.is_alive() && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(!identity.is_alive());
    }
}
