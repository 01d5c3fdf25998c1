//! A data directory, and the server that serves it.

use std::fs::{self, OpenOptions};
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::installation::run;
use crate::told::Told;
use crate::{Account, EmbeddedError, Installation, ProcessIdentity, Signal};

/// How long a server may take to become ready: after a crash it first replays what it had written.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// How long a fast shutdown may take before the server is killed: it writes a checkpoint.
const STOP_DEADLINE: Duration = Duration::from_secs(30);
/// How often the state of a server that starts or stops is looked at.
const STEP: Duration = Duration::from_millis(20);
/// The settings that the application owns, beside the ones an operator may add to `postgresql.conf`.
const SETTINGS_FILE: &str = "pgvitals.conf";

/// A data directory with the programs and the user that serve it.
#[derive(Debug, Clone)]
pub struct Cluster {
    installation: Installation,
    account: Account,
    data: PathBuf,
}

/// Whether the first files of a cluster are made sure to be on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flush {
    /// For data that is to outlive a crash of the machine.
    ToDisk,
    /// For data that is thrown away soon.
    Never,
}

/// A server that was started by this process. It goes on when this is dropped: whoever starts a server decides
/// how it ends.
#[derive(Debug)]
pub struct Running {
    child: Child,
    identity: ProcessIdentity,
    data: PathBuf,
}

impl Cluster {
    /// The cluster in `data`, whether it has been initialised or not.
    pub fn new(installation: Installation, account: Account, data: &Path) -> Self {
        Self {
            installation,
            account,
            data: data.to_owned(),
        }
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Whether there is data already.
    pub fn is_initialised(&self) -> bool {
        self.data.join("PG_VERSION").is_file()
    }

    /// Refuses data of another major version before the server does it less clearly.
    pub fn check_version(&self) -> Result<(), EmbeddedError> {
        let path = self.data.join("PG_VERSION");
        let found = fs::read_to_string(&path).map_err(EmbeddedError::path("read", &path))?;
        let found = found.trim().to_owned();
        if found == self.installation.version().to_string() {
            return Ok(());
        }
        Err(EmbeddedError::OtherVersion {
            data: self.data.clone(),
            found,
            wanted: self.installation.version(),
        })
    }

    /// Makes the data directory, with a superuser `postgres` who logs in over TCP with `password`.
    pub fn initialise(&self, password: &str, flush: Flush) -> Result<(), EmbeddedError> {
        self.account.create_private(&self.data)?;
        // The password goes by a file: a command line can be read by every user of the machine.
        let password_file = self.data.with_extension("initial-password");
        self.account.write_private(&password_file, password)?;
        let initialised = self.run_initdb(&password_file, flush);
        fs::remove_file(&password_file).map_err(EmbeddedError::path("remove", &password_file))?;
        initialised?;
        let path = self.data.join("postgresql.conf");
        let settings = read_no_link(&path).map_err(EmbeddedError::path("read", &path))?;
        self.account.write_private(
            &path,
            &format!("{settings}\ninclude_if_exists = '{SETTINGS_FILE}'\n"),
        )
    }

    fn run_initdb(&self, password_file: &Path, flush: Flush) -> Result<(), EmbeddedError> {
        let mut command = self.installation.command("initdb");
        command
            .args([
                "--username=postgres",
                "--encoding=UTF8",
                "--locale=C",
                "--auth=scram-sha-256",
            ])
            .arg("--pwfile")
            .arg(password_file)
            .arg("--pgdata")
            .arg(&self.data)
            .current_dir("/");
        if flush == Flush::Never {
            command.arg("--no-sync");
        }
        self.account.apply(&mut command);
        run(&mut command, "initdb").map(drop)
    }

    /// Writes the settings that the server starts with, replacing those of the last start.
    pub fn configure(&self, settings: &[(&str, &str)]) -> Result<(), EmbeddedError> {
        let path = self.data.join(SETTINGS_FILE);
        let mut text =
            String::from("# Written anew at every start. Settings of your own go into postgresql.conf.\n");
        for (name, value) in settings {
            text.push_str(&format!("{name} = '{}'\n", value.replace('\'', "''")));
        }
        self.account.write_private(&path, &text)
    }

    /// Starts the server on 127.0.0.1 and waits until it takes connections. What it says before its own log begins
    /// is appended to `log`.
    pub fn start(&self, port: u16, log: &Path) -> Result<Running, EmbeddedError> {
        let output = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .map_err(EmbeddedError::path("open the log", log))?;
        let told = Told::so_far(log, &self.data);
        let errors = output
            .try_clone()
            .map_err(EmbeddedError::path("open the log", log))?;
        let mut command = self.installation.command("postgres");
        command
            .arg("-D")
            .arg(&self.data)
            // Connections come over TCP only; the path of a socket file can be too long for the system.
            .args([
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "unix_socket_directories=",
            ])
            .args(["-c", &format!("port={port}")])
            .stdout(Stdio::from(output))
            .stderr(Stdio::from(errors))
            .current_dir(&self.data);
        self.account.apply(&mut command);
        let child = command.spawn().map_err(|source| EmbeddedError::Spawn {
            program: "postgres".to_owned(),
            source,
        })?;
        self.wait_until_ready(child, &told)
    }

    fn wait_until_ready(&self, mut child: Child, told: &Told) -> Result<Running, EmbeddedError> {
        let pid = child.id();
        let identity = ProcessIdentity::of(pid);
        let deadline = Instant::now() + START_DEADLINE;
        loop {
            let ended = !matches!(child.try_wait(), Ok(None));
            if let (false, Some(identity)) = (ended, &identity)
                && self.ready_process() == Some(pid)
            {
                return Ok(Running {
                    child,
                    identity: identity.clone(),
                    data: self.data.clone(),
                });
            }
            if ended || identity.is_none() || Instant::now() > deadline {
                if !ended {
                    // A server that never got ready must not stay behind; waiting reaps it.
                    Signal::Kill.send(pid);
                    child
                        .wait()
                        .map_err(EmbeddedError::path("wait for the server of", &self.data))?;
                }
                let told = told.since();
                let outcome = if ended {
                    "it ended".to_owned()
                } else {
                    format!("not ready after {} s", START_DEADLINE.as_secs())
                };
                let message = format!("{outcome}\n{told}").trim_end().to_owned();
                return Err(EmbeddedError::NotStarted { message });
            }
            thread::sleep(STEP);
        }
    }

    /// The process that serves this data directory and takes connections, as `pg_ctl` finds it: the first line of
    /// `postmaster.pid` is its id, the eighth its state.
    fn ready_process(&self) -> Option<u32> {
        let text = fs::read_to_string(self.data.join("postmaster.pid")).ok()?;
        let mut lines = text.lines();
        let pid = lines.next()?.trim().parse().ok()?;
        (lines.nth(6)?.trim() == "ready").then_some(pid)
    }

    /// The process that serves this data directory at present, started by us or by anyone.
    pub fn serving(&self) -> Option<ProcessIdentity> {
        serving(&self.data)
    }

    /// Stops whatever serves this data directory, left behind by an earlier run.
    pub fn stop_serving(&self) -> Result<(), EmbeddedError> {
        Self::stop_left_behind(&self.data)
    }

    /// [`serving`](Self::serving) for a data directory of which nothing else is known.
    pub fn serving_at(data: &Path) -> Option<ProcessIdentity> {
        serving(data)
    }

    /// [`stop_serving`](Self::stop_serving) for a data directory of which nothing else is known.
    pub fn stop_left_behind(data: &Path) -> Result<(), EmbeddedError> {
        serving(data).map_or(Ok(()), |identity| stop(&identity, Signal::Interrupt))
    }
}

impl Running {
    /// The server's process.
    pub fn identity(&self) -> &ProcessIdentity {
        &self.identity
    }

    /// Whether the server is still there; reaps it when it is not.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Stops it: clients are disconnected, data is written.
    pub fn stop(self) -> Result<(), EmbeddedError> {
        self.end(Signal::Interrupt)
    }

    /// Ends it as a crash does, so that the next start has to recover.
    pub fn crash(self) -> Result<(), EmbeddedError> {
        self.end(Signal::Quit)
    }

    fn end(mut self, signal: Signal) -> Result<(), EmbeddedError> {
        let stopped = stop(&self.identity, signal);
        if stopped.is_ok() {
            self.child
                .wait()
                .map_err(EmbeddedError::path("wait for the server of", &self.data))?;
        }
        stopped
    }
}

/// The process that serves `data` at present. The file may be left from before a crash, and the number may belong
/// to another process by now: what it was started with tells.
fn serving(data: &Path) -> Option<ProcessIdentity> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let pid = text.lines().next()?.trim().parse().ok()?;
    let identity = ProcessIdentity::of(pid)?;
    let command_line = if cfg!(target_os = "linux") {
        fs::read(format!("/proc/{pid}/cmdline")).ok()?
    } else {
        std::process::Command::new("ps")
            .args(["-o", "command=", "-p", &pid.to_string()])
            .output()
            .ok()?
            .stdout
    };
    let command_line = String::from_utf8_lossy(&command_line).into_owned();
    // It may have been started by way of a link, or we may have come by one.
    let names = [Some(data.to_owned()), data.canonicalize().ok()];
    names
        .iter()
        .flatten()
        .any(|name| command_line.contains(&*name.to_string_lossy()))
        .then_some(identity)
}

/// Ends a server by `signal`, and by force when it does not come to an end.
fn stop(identity: &ProcessIdentity, signal: Signal) -> Result<(), EmbeddedError> {
    // A server that stands still would never hear the next signal.
    identity.signal(Signal::Continue);
    identity.signal(signal);
    if wait_until_gone(identity, STOP_DEADLINE) {
        return Ok(());
    }
    identity.signal(Signal::Kill);
    if wait_until_gone(identity, Duration::from_secs(5)) {
        return Ok(());
    }
    Err(EmbeddedError::NotStopped {
        pid: identity.pid,
        seconds: STOP_DEADLINE.as_secs(),
    })
}

fn wait_until_gone(identity: &ProcessIdentity, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    while identity.is_alive() {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(STEP);
    }
    true
}

/// What a file says that must be no link: its folder may belong to another user, and we may be root.
fn read_no_link(path: &Path) -> io::Result<String> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nix::libc::O_NOFOLLOW)
        .open(path)?;
    io::read_to_string(file)
}

/// A port of 127.0.0.1 that nobody listens on at this moment.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Whether one could listen on this port of 127.0.0.1.
pub fn port_is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}
