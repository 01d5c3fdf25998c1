//! The hosts that claims are held against: the runner, and Spin where it is installed.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use integration_tests::binaries;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use crate::claim::Claim;
use crate::expectation::Expectation;

/// How long a host may take to start: the first time it compiles the guest.
const START_DEADLINE: Duration = Duration::from_secs(120);
/// How long a host may take to stop: what runs is let to its end.
const STOP_DEADLINE: Duration = Duration::from_secs(30);
/// How often to look whether something has happened.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// One host.
pub(crate) enum Host {
    Runner(PathBuf),
    Spin(PathBuf),
}

/// An application that is being started or has been; killed when dropped.
pub(crate) struct Running {
    child: Child,
    log: Log,
    address: Option<String>,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Host {
    /// The hosts that a claim is to be held against on this machine.
    pub(crate) fn all(claim: &Claim) -> Result<Vec<Self>> {
        let mut hosts = vec![Self::Runner(binaries::runner()?)];
        if claim.is_about_spin()
            && let Some(spin) = on_path("spin")
            && (!claim.has_schedule()? || has_cron_plugin(&spin))
        {
            hosts.push(Self::Spin(spin));
        }
        Ok(hosts)
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Runner(_) => "the runner",
            Self::Spin(_) => "Spin",
        }
    }

    pub(crate) fn program(&self) -> &Path {
        match self {
            Self::Runner(program) | Self::Spin(program) => program,
        }
    }

    pub(crate) fn is_runner(&self) -> bool {
        matches!(self, Self::Runner(_))
    }

    /// Starts an application and waits until it is ready.
    pub(crate) async fn start(&self, manifest: &Path, expectation: &Expectation) -> Result<Running> {
        let mut running = self.spawn(manifest, expectation)?;
        let begin = Instant::now();
        loop {
            if let Some(address) = running.log.address() {
                running.address = Some(address);
                return Ok(running);
            }
            if running.log.says("running schedules") || running.log.says("Cron trigger") {
                return Ok(running);
            }
            if let Some(status) = running.child.try_wait()? {
                running.log.settle().await;
                bail!("it ended with {status} instead of serving:\n{}", running.log());
            }
            if begin.elapsed() > START_DEADLINE {
                bail!("it is not ready after {START_DEADLINE:?}:\n{}", running.log());
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// Starts an application that must be refused, and gives what was said about it.
    pub(crate) async fn refused(&self, manifest: &Path, expectation: &Expectation) -> Result<String> {
        let mut running = self.spawn(manifest, expectation)?;
        let status = tokio::time::timeout(START_DEADLINE, running.child.wait())
            .await
            .with_context(|| format!("it was not refused, it runs:\n{}", running.log()))??;
        running.log.settle().await;
        if status.success() {
            bail!("it ended without an error:\n{}", running.log());
        }
        Ok(running.log())
    }

    fn spawn(&self, manifest: &Path, expectation: &Expectation) -> Result<Running> {
        let mut command = Command::new(self.program());
        match self {
            Self::Runner(_) => {
                command.arg("--from").arg(manifest);
                if !expectation
                    .runner_arguments
                    .iter()
                    .any(|argument| argument == "--listen")
                {
                    command.args(["--listen", "127.0.0.1:0"]);
                }
                command.args(&expectation.runner_arguments);
            }
            Self::Spin(_) => {
                command
                    .args(["up", "--from"])
                    .arg(manifest)
                    .args(["--listen", "127.0.0.1:0"]);
            }
        }
        for (name, value) in &expectation.variables {
            command.arg("--variable").arg(format!("{name}={value}"));
        }
        let folder = manifest.parent().context("the manifest has no folder")?;
        let mut child = command
            .envs(&expectation.environment)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", self.program().display()))?;
        let log = Log::default();
        log.follow(child.stdout.take());
        log.follow(child.stderr.take());
        Ok(Running {
            child,
            log,
            address: None,
        })
    }
}

impl Running {
    pub(crate) fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }

    /// All that the host has said so far.
    pub(crate) fn log(&self) -> String {
        self.log.text()
    }

    /// Whether something comes true before time is up.
    pub(crate) async fn wait_until(&self, deadline: Duration, mut is_true: impl FnMut() -> bool) -> bool {
        let begin = Instant::now();
        while !is_true() {
            if begin.elapsed() > deadline {
                return false;
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        true
    }

    /// Asks the host to stop, and gives its status and its log when it has.
    pub(crate) async fn stop(mut self) -> Result<(ExitStatus, String)> {
        let process = self.child.id().context("the host has ended already")?;
        let process = nix::unistd::Pid::from_raw(process.try_into().context("not a process")?);
        nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGTERM)
            .context("cannot ask the host to stop")?;
        let status = tokio::time::timeout(STOP_DEADLINE, self.child.wait())
            .await
            .with_context(|| format!("it did not stop within {STOP_DEADLINE:?}:\n{}", self.log()))??;
        self.log.settle().await;
        Ok((status, self.log()))
    }
}

impl Log {
    fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn says(&self, words: &str) -> bool {
        self.text().contains(words)
    }

    /// Where the host serves, once it has said so: both hosts say `serving http://…`, one with a capital.
    fn address(&self) -> Option<String> {
        let text = self.text();
        let line = text
            .lines()
            .find(|line| line.to_lowercase().contains("serving http://"))?;
        let (_, address) = line.split_once("http://")?;
        Some(address.trim_end().trim_end_matches('/').to_owned())
    }

    /// The last lines may still be on their way through the pipe when the host has ended.
    async fn settle(&self) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    fn follow(&self, output: Option<impl AsyncRead + Send + Unpin + 'static>) {
        let Some(output) = output else { return };
        let log = Arc::clone(&self.0);
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
            }
        });
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|program| program.is_file())
}

/// Spin runs schedules by a plugin that has to be installed beside it.
fn has_cron_plugin(spin: &Path) -> bool {
    let listed = std::process::Command::new(spin)
        .args(["plugins", "list", "--installed"])
        .output();
    listed.is_ok_and(|listed| String::from_utf8_lossy(&listed.stdout).contains("trigger-cron"))
}
