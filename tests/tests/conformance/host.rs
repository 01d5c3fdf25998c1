//! The hosts that claims are held against: the runner, and Spin where it is installed.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use integration_tests::binaries;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use crate::claim::Claim;
use crate::expectation::Expectation;

/// How long a host may take to start: the first time it compiles the guest.
const START_DEADLINE: Duration = Duration::from_secs(120);
/// How long a host may take to stop: what runs is let to its end.
const STOP_DEADLINE: Duration = Duration::from_secs(30);
/// How long a host that a claim is done with may take to stop before it is killed.
const END_DEADLINE: Duration = Duration::from_secs(10);
/// How often to look whether something has happened.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// One host.
pub(crate) enum Host {
    Runner(PathBuf),
    Spin(PathBuf),
}

/// An application that is being started or has been. It is ended when dropped, with all the processes that it began.
pub(crate) struct Running {
    child: Child,
    /// The first process, by whose number its group goes too.
    process: Option<Pid>,
    /// What its processes are sent when it is dropped.
    last_signal: Signal,
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

    /// Spin ends what it began when it is asked to, and not when it is killed. The runner is one process, and has nothing
    /// to lose.
    fn last_signal(&self) -> Signal {
        match self {
            Self::Runner(_) => Signal::SIGKILL,
            Self::Spin(_) => Signal::SIGTERM,
        }
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
            // The words of the runner, and those of Spin's plugin for schedules.
            if !has_routes(manifest)
                && (running.log.says("running schedules") || running.log.says("Job scheduler started"))
            {
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
                command.args(["up", "--from"]).arg(manifest);
                if has_routes(manifest) {
                    command.args(["--listen", "127.0.0.1:0"]);
                } else {
                    // Without routes there is no `--listen`, and only the log says that the schedules have begun.
                    command.env("RUST_LOG", "info");
                }
            }
        }
        for (name, value) in &expectation.variables {
            command.arg("--variable").arg(format!("{name}={value}"));
        }
        let folder = manifest.parent().context("the manifest has no folder")?;
        let mut child = command
            // Spin's errors, those that a guest gets too, would have a backtrace in them.
            .env_remove("RUST_BACKTRACE")
            .envs(&expectation.environment)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", self.program().display()))?;
        let log = Log::default();
        log.follow(child.stdout.take());
        log.follow(child.stderr.take());
        let process = child.id().and_then(|id| id.try_into().ok()).map(Pid::from_raw);
        Ok(Running {
            child,
            process,
            last_signal: self.last_signal(),
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
        kill(
            self.process.context("the host has ended already")?,
            Signal::SIGTERM,
        )
        .context("cannot ask the host to stop")?;
        let status = tokio::time::timeout(STOP_DEADLINE, self.child.wait())
            .await
            .with_context(|| format!("it did not stop within {STOP_DEADLINE:?}:\n{}", self.log()))??;
        self.log.settle().await;
        Ok((status, self.log()))
    }
}

impl Drop for Running {
    /// Spin serves every kind of trigger by a process of its own, which is left alone when only the first is killed. All are
    /// in one group, and the group exists as long as one of them does.
    fn drop(&mut self) {
        let Some(group) = self.process else { return };
        let begin = Instant::now();
        let _ = killpg(group, self.last_signal);
        while killpg(group, None).is_ok() && begin.elapsed() < END_DEADLINE {
            // One that has ended is a member of the group until somebody has asked for its status.
            let _ = self.child.try_wait();
            std::thread::sleep(LOOK_INTERVAL);
        }
        let _ = killpg(group, Signal::SIGKILL);
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

/// Whether an application answers requests.
fn has_routes(manifest: &Path) -> bool {
    std::fs::read_to_string(manifest).is_ok_and(|text| text.contains("[[trigger.http]]"))
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
