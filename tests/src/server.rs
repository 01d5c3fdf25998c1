//! Real PostgreSQL servers.
//!
//! A [`Server`] is shared by all tests of a run, also when every test is a process of its own: the first that asks
//! starts it, and a small supervisor (`supervise.sh`) stops it a few seconds after the last has ended, however it
//! ended. What a test changes there must stay inside its own [`Database`](crate::Database). A test that stops,
//! pauses or configures a server, or counts what happens on the whole of it, starts a [`DedicatedServer`].
//!
//! Set `PGVITALS_TEST_VERSIONS` (default `18,13`: the newest and the oldest) to choose the versions of a run,
//! `PGVITALS_TEST_DEBIAN_VERSIONS` to those of them that Debian's packages are to serve, and `PGVITALS_TEST_LINGER`
//! (default 3) to the seconds for which a shared server stays after the last test.

use std::fs::{self, File, OpenOptions};
use std::ops::Deref;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};
use embedded_postgres::{
    Account, Cluster, EmbeddedError, Flush, Installation, ProcessIdentity, Running, Signal, free_port,
};
use serde::{Deserialize, Serialize};

use crate::project_root;

/// The password of the superuser `postgres` on every test server.
pub const PASSWORD: &str = "superuser-of-the-tests";

/// Settings of every test server. Nothing is worth keeping through a crash of the machine, so nothing is synced.
const SETTINGS: [(&str, &str); 12] = [
    ("shared_preload_libraries", "pg_stat_statements"),
    ("pg_stat_statements.track", "all"),
    ("pg_stat_statements.track_utility", "off"),
    ("track_io_timing", "on"),
    ("max_connections", "100"),
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("synchronous_commit", "off"),
    ("max_wal_size", "256MB"),
    ("log_line_prefix", "%m [%p] %q%u@%d/%a "),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
];

/// The versions that tests run on, from `PGVITALS_TEST_VERSIONS`.
pub fn test_versions() -> Vec<u32> {
    let versions = versions_in("PGVITALS_TEST_VERSIONS");
    if versions.is_empty() {
        vec![embedded_postgres::NEWEST, embedded_postgres::OLDEST]
    } else {
        versions
    }
}

fn versions_in(variable: &str) -> Vec<u32> {
    let listed = std::env::var(variable).unwrap_or_default();
    let versions = listed.split(',');
    versions
        .filter_map(|version| version.trim().parse().ok())
        .collect()
}

/// A running server that tests share.
#[derive(Debug, Clone)]
pub struct Server {
    version: u32,
    port: u16,
    home: PathBuf,
    /// Held as long as anybody in this process may use the server.
    _use: Arc<File>,
}

/// A running server that belongs to one test, to be stopped, paused and restarted at will.
#[derive(Debug)]
pub struct DedicatedServer {
    server: Server,
    cluster: Cluster,
    settings: Vec<(String, String)>,
    running: Option<Running>,
}

#[derive(Debug, Serialize, Deserialize)]
struct State {
    port: u16,
    server: ProcessIdentity,
    supervisor: ProcessIdentity,
}

impl Server {
    /// The shared server of a major version, started when nobody has yet.
    pub async fn shared(version: u32) -> Result<Self> {
        blocking(move || Self::join_or_start(version)).await
    }

    fn join_or_start(version: u32) -> Result<Self> {
        let (account, installation) = programs(version)?;
        let home = home(&account, &version.to_string())?;
        let hold = open_lock(&home.join("use.lock"))?;
        hold.lock_shared()
            .context("cannot announce the use of the server")?;
        let starting = open_lock(&home.join("start.lock"))?;
        starting
            .lock()
            .context("cannot wait for others that start the server")?;

        let state_path = home.join("state.json");
        let known = fs::read(&state_path)
            .ok()
            .and_then(|text| serde_json::from_slice::<State>(&text).ok());
        if let Some(state) = known
            && state.server.is_alive()
            && state.supervisor.is_alive()
        {
            return Ok(Self {
                version,
                port: state.port,
                home,
                _use: Arc::new(hold),
            });
        }
        let cluster = Cluster::new(installation, account, &home.join("data"));
        let linger = std::env::var("PGVITALS_TEST_LINGER").unwrap_or_else(|_| "3".to_owned());
        let supervisor = supervise(&home, &linger)?;
        let (running, port) = start_anew(&cluster, &home, &[])?;
        let state = State {
            port,
            server: running.identity().clone(),
            supervisor,
        };
        fs::write(&state_path, serde_json::to_vec(&state)?)
            .context("cannot write the state of the server")?;
        Ok(Self {
            version,
            port,
            home,
            _use: Arc::new(hold),
        })
    }

    /// The major version.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of `database` for the superuser.
    pub fn url(&self, database: &str) -> String {
        self.url_as("postgres", PASSWORD, database)
    }

    /// The address of `database` for any login.
    pub fn url_as(&self, user: &str, password: &str, database: &str) -> String {
        format!("postgres://{user}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        let log = fs::read(self.home.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Keeps the data of this server after the tests, and says how to open it.
    pub(crate) fn keep(&self) -> String {
        // Failing to keep it must not hide why the test failed.
        let _ = fs::write(self.home.join("keep"), "");
        let kept = self.home.with_extension("kept");
        format!(
            "its server stops with the tests (PGVITALS_TEST_LINGER=SECONDS delays that); its data is kept in {}",
            kept.display()
        )
    }
}

impl DedicatedServer {
    /// A server of its own for one test.
    pub async fn start(version: u32) -> Result<Self> {
        Self::start_with(version, &[]).await
    }

    /// A server of its own with settings beside, or instead of, the usual ones.
    pub async fn start_with(version: u32, settings: &[(&str, &str)]) -> Result<Self> {
        let settings = owned(settings);
        blocking(move || {
            Self::provide(version, settings, |cluster, home, settings| {
                start_anew(cluster, home, settings)
            })
        })
        .await
    }

    /// A replica of this server with settings of its own beside the server's. It is made of a copy of the files, for
    /// which this server is stopped and started again; where it receives from is set.
    pub async fn replicate(&mut self, settings: &[(&str, &str)]) -> Result<Self> {
        self.stop().await?;
        let (source, version) = (self.cluster.data().to_owned(), self.server.version);
        let mut settings = [self.settings.clone(), owned(settings)].concat();
        let primary = format!(
            "host=127.0.0.1 port={} user=postgres password={PASSWORD} application_name=replica",
            self.server.port
        );
        settings.push(("primary_conninfo".to_owned(), primary));
        let copy = blocking(move || {
            Self::provide(version, settings, |cluster, home, settings| {
                copy(&source, cluster.data())?;
                fs::write(cluster.data().join("standby.signal"), "")
                    .context("cannot make the copy a replica")?;
                start_configured(cluster, home, settings)
            })
        });
        let copied = copy.await;
        self.start_again().await?;
        copied
    }

    /// A server in a folder of its own, which is started by `start`.
    fn provide(
        version: u32,
        settings: Vec<(String, String)>,
        start: impl FnOnce(&Cluster, &Path, &[(String, String)]) -> Result<(Running, u16)>,
    ) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (account, installation) = programs(version)?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let home = home(&account, &format!("{version}-{}-{number}", std::process::id()))?;
        let hold = open_lock(&home.join("use.lock"))?;
        hold.lock_shared()
            .context("cannot announce the use of the server")?;
        supervise(&home, "0")?;
        let cluster = Cluster::new(installation, account, &home.join("data"));
        let (running, port) = start(&cluster, &home, &settings)?;
        let server = Server {
            version,
            port,
            home,
            _use: Arc::new(hold),
        };
        Ok(Self {
            server,
            cluster,
            settings,
            running: Some(running),
        })
    }

    /// A fast shutdown, as an operator does it.
    pub async fn stop(&mut self) -> Result<()> {
        let running = self.running.take().context("the server is stopped already")?;
        blocking(move || Ok(running.stop()?)).await
    }

    /// Ends the server as a crash does: nothing is written, the next start recovers.
    pub async fn crash(&mut self) -> Result<()> {
        let running = self.running.take().context("the server is stopped already")?;
        blocking(move || Ok(running.crash()?)).await
    }

    /// Starts a stopped server on the same port.
    pub async fn start_again(&mut self) -> Result<()> {
        if self.running.is_some() {
            bail!("the server is running already");
        }
        let (cluster, port, log) = (
            self.cluster.clone(),
            self.server.port,
            self.server.home.join("log"),
        );
        self.running = Some(blocking(move || Ok(cluster.start(port, &log)?)).await?);
        Ok(())
    }

    /// [`stop`](Self::stop), then [`start_again`](Self::start_again).
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        self.start_again().await
    }

    /// Lets the server and all its sessions stand still: connections are accepted by the system, and nothing ever
    /// answers.
    pub fn pause(&self) -> Result<()> {
        self.signal_all(Signal::Stop)
    }

    /// Ends the standstill.
    pub fn resume(&self) -> Result<()> {
        self.signal_all(Signal::Continue)
    }

    fn signal_all(&self, signal: Signal) -> Result<()> {
        let running = self.running.as_ref().context("the server is stopped")?;
        let server = running.identity().pid;
        // The server first, so that it starts no session behind our back.
        signal.send(server);
        for child in children(server)? {
            signal.send(child);
        }
        Ok(())
    }
}

impl Deref for DedicatedServer {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

/// The programs of a version and whom they run as: fetched, or Debian's where nothing can be fetched.
fn programs(version: u32) -> Result<(Account, Installation)> {
    let account = Account::choose()?;
    if versions_in("PGVITALS_TEST_DEBIAN_VERSIONS").contains(&version) {
        let installation = Installation::of_debian(version).with_context(|| {
            format!("Debian's PostgreSQL {version} is not here: install postgresql-{version}")
        })?;
        return Ok((account, installation));
    }
    let servers = project_root().join(".pgvitals/servers");
    let installation = Installation::provide(version, &servers, &account, &|step| eprintln!("{step}"))
        .or_else(|error| Installation::of_debian(version).ok_or(error))
        .with_context(|| format!("cannot provide PostgreSQL {version} for the tests"))?;
    Ok((account, installation))
}

/// A folder for one server, outside of the project: the server's user need not be able to enter that.
fn home(account: &Account, name: &str) -> Result<PathBuf> {
    let ours = nix::unistd::Uid::effective();
    let candidates: Vec<_> = [
        std::env::temp_dir(),
        PathBuf::from("/tmp"),
        PathBuf::from("/var/tmp"),
    ]
    .into_iter()
    .map(|directory| directory.join(format!("pgvitals-tests-{ours}-{}", clone_name())))
    .collect();
    let home = account.first_reachable(&candidates)?.join(name);
    fs::create_dir_all(&home).with_context(|| format!("cannot create `{}`", home.display()))?;
    Ok(home)
}

/// Tells the clones of the project on one machine apart.
fn clone_name() -> String {
    format!(
        "{:08x}",
        crate::database::fingerprint(&project_root().to_string_lossy())
    )
}

fn open_lock(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot open the lock file `{}`", path.display()))
}

/// Starts the process that stops the server when nobody uses it any more. It gets a group of its own, so that
/// whatever ends the test's group leaves it alive.
fn supervise(home: &Path, linger: &str) -> Result<ProcessIdentity> {
    let supervisor = Command::new("/bin/sh")
        .args(["-c", include_str!("supervise.sh"), "supervise.sh"])
        .arg(home.join("use.lock"))
        .arg(linger)
        .arg(home)
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start the supervisor of the server")?;
    ProcessIdentity::of(supervisor.id()).context("the supervisor of the server ended at once")
}

/// Initialises a server and starts it on a free port.
fn start_anew(cluster: &Cluster, home: &Path, settings: &[(String, String)]) -> Result<(Running, u16)> {
    cluster.stop_serving()?;
    if cluster.data().exists() {
        fs::remove_dir_all(cluster.data()).context("cannot remove the data of an earlier server")?;
    }
    cluster.initialise(PASSWORD, Flush::Never)?;
    start_configured(cluster, home, settings)
}

/// Starts a server whose data is there, on a free port. Another process may take the port in between: then another one.
fn start_configured(cluster: &Cluster, home: &Path, settings: &[(String, String)]) -> Result<(Running, u16)> {
    let mut all = SETTINGS.to_vec();
    all.extend(
        settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    cluster.configure(&all)?;
    let log = home.join("log");
    let mut tries = 5;
    loop {
        let port = free_port().context("cannot find a free port")?;
        tries -= 1;
        match cluster.start(port, &log) {
            Ok(running) => return Ok((running, port)),
            Err(EmbeddedError::NotStarted { message }) if tries > 0 && message.contains("bind") => {}
            Err(error) => return Err(error).context("cannot start a test server"),
        }
    }
}

fn owned(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    let settings = settings.iter();
    settings
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect()
}

/// Copies the data of a stopped server with its owner.
fn copy(source: &Path, destination: &Path) -> Result<()> {
    let status = Command::new("cp").arg("-a").arg(source).arg(destination).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        outcome => bail!("cannot copy `{}`: {outcome:?}", source.display()),
    }
}

/// The processes that `parent` started, from the list that Linux keeps.
fn children(parent: u32) -> Result<Vec<u32>> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc").context("cannot list the processes")? {
        let Some(pid) = entry?
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent_of_pid = status
            .rsplit_once(") ")
            .and_then(|(_, fields)| fields.split(' ').nth(1)?.parse().ok());
        if parent_of_pid == Some(parent) {
            children.push(pid);
        }
    }
    Ok(children)
}

/// Runs what blocks beside the runtime, so that receivers and connections of the test go on meanwhile.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .context("the preparation of the test panicked")?
}
