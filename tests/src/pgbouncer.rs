//! A real PgBouncer in front of a test server.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use db::{Console, SafeUrl};
use embedded_postgres::{Account, Signal, free_port};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::Server;
use crate::server::PASSWORD;

/// The user that may look at the console, and nothing else.
pub const STATS_USER: &str = "pgvitals_stats";
/// Its password.
pub const STATS_PASSWORD: &str = "stats of the tests: 'quoted'";
/// A user that PgBouncer knows and does not let into its console.
pub const OTHER_USER: &str = "somebody";
/// Its password.
pub const OTHER_PASSWORD: &str = "somebody-of-the-tests";
/// How many server connections a pool has at most.
pub const POOL_SIZE: i64 = 2;

/// How long PgBouncer may take to start.
const START_DEADLINE: Duration = Duration::from_secs(20);

/// A PgBouncer that belongs to one test and ends with it.
#[derive(Debug)]
pub struct PgBouncer {
    folder: TempDir,
    port: u16,
    process: Option<Child>,
}

impl PgBouncer {
    /// Starts one in front of every database of a server, with settings beside, or instead of, the usual ones.
    pub async fn start(server: &Server, settings: &[(&str, &str)]) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("pgvitals-pgbouncer-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir()
            .context("cannot make a folder for PgBouncer")?;
        let port = free_port()?;
        write(
            &folder.path().join("pgbouncer.ini"),
            &configuration(server, port, folder.path(), settings)?,
        )?;
        let users = [
            ("postgres", PASSWORD),
            (STATS_USER, STATS_PASSWORD),
            (OTHER_USER, OTHER_PASSWORD),
        ];
        let users = users.map(|(user, password)| format!("\"{user}\" \"{password}\"\n"));
        write(&folder.path().join("users.txt"), &users.concat())?;
        let mut bouncer = Self {
            folder,
            port,
            process: None,
        };
        bouncer.start_again().await?;
        Ok(bouncer)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of a database of the server, through the pool, for the superuser.
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://postgres:{PASSWORD}@127.0.0.1:{}/{database}",
            self.port
        )
    }

    /// The address of its console, without a user's password.
    pub fn console(&self, user: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/pgbouncer", self.port)
    }

    /// Ends it, and every connection through it.
    pub async fn stop(&mut self) -> Result<()> {
        let mut process = self.process.take().context("PgBouncer is stopped already")?;
        process.kill().await.context("cannot stop PgBouncer")
    }

    /// Starts it again, with counters at zero.
    pub async fn start_again(&mut self) -> Result<()> {
        self.process = Some(spawn(self.folder.path())?);
        let url: SafeUrl = self.console(STATS_USER).parse()?;
        let url = url.with_password(STATS_PASSWORD);
        let begin = Instant::now();
        while let Err(error) = Console::open(&url).await {
            ensure!(
                begin.elapsed() < START_DEADLINE,
                "PgBouncer does not start: {error:?}\n{}",
                fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// [`stop`](Self::stop), then [`start_again`](Self::start_again).
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        self.start_again().await
    }

    /// Lets it stand still: connections are accepted by the system, and nothing ever answers.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::Stop)
    }

    /// Ends the standstill.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::Continue)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let process = self.process.as_ref().and_then(Child::id);
        signal.send(process.context("PgBouncer is stopped")?);
        Ok(())
    }
}

fn configuration(server: &Server, port: u16, folder: &Path, settings: &[(&str, &str)]) -> Result<String> {
    let mut lines = vec![
        "[databases]".to_owned(),
        format!("* = host=127.0.0.1 port={}", server.port()),
        "[pgbouncer]".to_owned(),
        "listen_addr = 127.0.0.1".to_owned(),
        format!("listen_port = {port}"),
        "unix_socket_dir =".to_owned(),
        format!("auth_file = {}", folder.join("users.txt").display()),
        format!("stats_users = {STATS_USER}"),
        "pool_mode = transaction".to_owned(),
        format!("default_pool_size = {POOL_SIZE}"),
        "auth_type = scram-sha-256".to_owned(),
    ];
    // As root it would not start; it takes on another user by itself.
    if let Some(user) = Account::choose()?.other_name() {
        lines.push(format!("user = {user}"));
    }
    lines.extend(settings.iter().map(|(name, value)| format!("{name} = {value}")));
    Ok(lines.join("\n") + "\n")
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text)
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o644)))
        .with_context(|| format!("cannot write `{}`", path.display()))
}

fn spawn(folder: &Path) -> Result<Child> {
    let log = fs::File::create(folder.join("log")).context("cannot make the log of PgBouncer")?;
    Command::new(program())
        .arg("--quiet")
        .arg(folder.join("pgbouncer.ini"))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .context("cannot start PgBouncer: apt-get install pgbouncer, or see scripts/test")
}

/// Debian keeps it where only root looks by itself.
fn program() -> PathBuf {
    let debian = PathBuf::from("/usr/sbin/pgbouncer");
    if debian.exists() {
        debian
    } else {
        PathBuf::from("pgbouncer")
    }
}
