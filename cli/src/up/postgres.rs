//! The default database: a private PostgreSQL below `.pgvitals`, its data kept from one start to the next.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use db::SafeUrl;
use embedded_postgres::{
    Account, Cluster, Flush, Installation, NEWEST, ProcessIdentity, Running, free_port, port_is_free,
};

use crate::failure::Failure;
use crate::output::{Output, Step};
use crate::project::Project;
use crate::secrets::SUPERUSER_PASSWORD;
use crate::settings::Settings;
use crate::state::State;

/// A PostgreSQL to run instead of the fetched one.
const POSTGRES_BIN: &str = "PGVITALS_POSTGRES_BIN";
/// Where everything goes that another user must reach when the project lies in a private home.
const SHARED_PLACE: &str = "/var/lib/pgvitals";
/// The port is kept, so that addresses which somebody noted stay true.
const PORT_FILE: &str = "postgres.port";

/// What the monitoring needs of a server, and a log that does not grow for ever: one file a weekday, overwritten
/// the week after.
const SETTINGS: [(&str, &str); 13] = [
    ("shared_preload_libraries", "pg_stat_statements"),
    ("pg_stat_statements.track", "all"),
    ("pg_stat_statements.track_utility", "off"),
    ("track_io_timing", "on"),
    ("password_encryption", "scram-sha-256"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("log_line_prefix", "%m [%p] %q%u@%d/%a "),
    ("logging_collector", "on"),
    ("log_directory", "log"),
    ("log_filename", "postgresql-%a.log"),
    ("log_rotation_age", "1d"),
    ("log_truncate_on_rotation", "on"),
];

/// The default database, running.
#[derive(Debug)]
pub(crate) struct DefaultPostgres {
    running: Running,
    data: PathBuf,
    administrator: SafeUrl,
}

impl DefaultPostgres {
    /// Starts it, after fetching and initialising it when this is the first time.
    pub(crate) async fn start(project: &Project, settings: &mut Settings, output: &Output) -> Result<Self> {
        let password = settings.secrets.get_or_make(SUPERUSER_PASSWORD)?;
        let bin = settings.given(POSTGRES_BIN).map(PathBuf::from);
        let step = output.step("starting PostgreSQL");
        let (project, output) = (project.clone(), *output);
        // Everything here waits for processes and files, so it happens beside the runtime.
        tokio::task::spawn_blocking(move || start(&project, &password, bin.as_deref(), &output, &step))
            .await
            .context("the start of PostgreSQL broke off")?
    }

    /// Starts it once more after it ended by itself, at the same port: the application knows no other.
    pub(crate) async fn start_again(
        project: &Project,
        settings: &mut Settings,
        output: &Output,
    ) -> Result<Self> {
        if let Some(port) = last_port(project)
            && !port_is_free(port)
        {
            return Err(Failure::new(
                format!("port {port} of the default database is in use by another program"),
                "stop that program, or `pgvitals down` and `pgvitals up` to move to another port",
            )
            .into());
        }
        Self::start(project, settings, output).await
    }

    /// An administrator's login.
    pub(crate) fn administrator(&self) -> &SafeUrl {
        &self.administrator
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    pub(crate) fn identity(&self) -> &ProcessIdentity {
        self.running.identity()
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.running.is_alive()
    }

    /// Stops it; data is written first.
    pub(crate) async fn stop(self) -> Result<()> {
        let stopped = tokio::task::spawn_blocking(|| self.running.stop()).await;
        Ok(stopped.context("the stop of PostgreSQL broke off")??)
    }
}

/// An administrator's login in the default database, which must be running.
pub(crate) fn administrator_while_running(project: &Project, settings: &Settings) -> Result<SafeUrl> {
    let running = State::load(project)
        .and_then(|state| state.postgres)
        .is_some_and(|postgres| postgres.is_alive());
    match (
        running,
        last_port(project),
        settings.secrets.get(SUPERUSER_PASSWORD),
    ) {
        (true, Some(port), Some(password)) => administrator(port, password),
        _ => Err(Failure::new(
            "the default database is not running, and no other is named",
            "run `pgvitals up`, or set DATABASE_URL to an administrator of the database",
        )
        .into()),
    }
}

fn administrator(port: u16, password: &str) -> Result<SafeUrl> {
    let url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
    url.parse().context("cannot make the administrator's address")
}

/// Where a default database is served that an earlier `up` left behind: where `state` says, or at its place in the
/// project. An `up` that was killed while it started had no time to write down what it started.
pub(crate) fn left_behind(project: &Project, state: Option<&State>) -> Option<PathBuf> {
    let place = project.place("postgres");
    let behind_link = fs::read_link(&place).ok();
    let written = state.and_then(|state| state.data.clone());
    let mut candidates = written.into_iter().chain(behind_link).chain([place]);
    candidates.find(|data| Cluster::serving_at(data).is_some())
}

/// Stops a server that an earlier `up` left behind, without starting anything.
pub(crate) async fn stop_left_behind(data: PathBuf) -> Result<()> {
    let stopped = tokio::task::spawn_blocking(move || Cluster::stop_left_behind(&data)).await;
    Ok(stopped.context("the stop of PostgreSQL broke off")??)
}

fn start(
    project: &Project,
    password: &str,
    bin: Option<&Path>,
    output: &Output,
    step: &Step,
) -> Result<DefaultPostgres> {
    let account = Account::choose()?;
    let installation = installation(project, bin, &account, step)?;
    let version = installation.version();
    let data = data_directory(project, &account, output)?;
    let cluster = Cluster::new(installation.clone(), account.clone(), &data);
    if cluster.is_initialised() {
        cluster.check_version()?;
        if !account.owns(&data) {
            return Err(owned_by_another(&data, &account).into());
        }
        cluster.stop_serving()?;
    } else {
        step.now(&format!("initialising PostgreSQL {version}"));
        initialise(&installation, &account, &data, password)?;
    }
    cluster.configure(&SETTINGS)?;
    let port = choose_port(project, output)?;
    // Whatever can fail comes first: nobody would stop a server that we gave up on.
    let administrator = administrator(port, password)?;
    step.now(&format!("starting PostgreSQL {version}"));
    let log = project.place("postgres.log");
    let running = cluster.start(port, &log).map_err(|error| {
        let hint = format!(
            "its first words are in {}, the rest is in {}",
            project.shown(&log),
            project.shown(&data.join("log"))
        );
        Failure::new("cannot start the default database", hint).because(error)
    })?;
    Ok(DefaultPostgres {
        running,
        data,
        administrator,
    })
}

fn installation(
    project: &Project,
    bin: Option<&Path>,
    account: &Account,
    step: &Step,
) -> Result<Installation> {
    if let Some(bin) = bin {
        return Installation::in_directory(bin)
            .with_context(|| format!("cannot use the PostgreSQL that {POSTGRES_BIN} names"));
    }
    let servers = project.private()?.join("servers");
    Installation::provide(NEWEST, &servers, account, &|now| step.now(now))
        .with_context(|| format!("cannot provide PostgreSQL {NEWEST} for the default database"))
}

/// `.pgvitals/postgres`, or, when the server's user cannot enter that, a place of its own with a link to it.
fn data_directory(project: &Project, account: &Account, output: &Output) -> Result<PathBuf> {
    let private = project.private()?;
    let link = private.join("postgres");
    if link.is_symlink() && link.exists() {
        return link
            .canonicalize()
            .with_context(|| format!("cannot follow `{}`", link.display()));
    }
    let shared = Path::new(SHARED_PLACE).join(place_name(project.root()));
    let place = account.first_reachable(&[private.clone(), shared])?;
    let data = place.join("postgres");
    if place != private {
        let user = account.other_name().unwrap_or_default();
        output.say(&format!(
            "PostgreSQL runs as `{user}`, who cannot enter `{}`: its data goes to `{}`",
            private.display(),
            data.display()
        ));
        if link.is_symlink() {
            fs::remove_file(&link).with_context(|| format!("cannot replace `{}`", link.display()))?;
        }
        symlink(&data, &link).with_context(|| format!("cannot create the link `{}`", link.display()))?;
    }
    Ok(data)
}

/// A folder name for a project, readable and different for every path.
fn place_name(root: &Path) -> String {
    let path = root.to_string_lossy();
    let readable: String = path
        .trim_matches('/')
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    // FNV-1a keeps apart what looks the same after that.
    let fingerprint = path.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{readable}-{fingerprint:016x}")
}

/// Initialises beside the place and moves the result there, so that a run which is cut off leaves no half cluster.
fn initialise(installation: &Installation, account: &Account, data: &Path, password: &str) -> Result<()> {
    let workshop = data.with_extension("initialising");
    for leftover in [workshop.as_path(), data] {
        if leftover.exists() {
            // Only an empty folder may be in the way: anything else is not ours to throw away.
            let removed = if leftover == data {
                fs::remove_dir(leftover)
            } else {
                fs::remove_dir_all(leftover)
            };
            removed.with_context(|| format!("cannot clear `{}`", leftover.display()))?;
        }
    }
    Cluster::new(installation.clone(), account.clone(), &workshop).initialise(password, Flush::ToDisk)?;
    fs::rename(&workshop, data)
        .with_context(|| format!("cannot move the new cluster to `{}`", data.display()))
}

fn owned_by_another(data: &Path, account: &Account) -> Failure {
    let user = account
        .other_name()
        .map_or_else(|| "$(id -un)".to_owned(), str::to_owned);
    Failure::new(
        format!(
            "`{}` belongs to another user than the one PostgreSQL would run as",
            data.display()
        ),
        format!(
            "run `pgvitals up` as that user, or hand the data over: chown -R {user} {}",
            data.display()
        ),
    )
}

fn last_port(project: &Project) -> Option<u16> {
    let text = fs::read_to_string(project.place(PORT_FILE)).ok()?;
    text.trim().parse().ok()
}

/// The port of the last start, unless somebody else took it.
fn choose_port(project: &Project, output: &Output) -> Result<u16> {
    let last = last_port(project);
    if let Some(port) = last.filter(|port| port_is_free(*port)) {
        return Ok(port);
    }
    let port = free_port().context("cannot find a free port for PostgreSQL")?;
    if let Some(last) = last {
        output.say(&format!(
            "port {last} was taken by another program: PostgreSQL moves to port {port}"
        ));
    }
    let file = project.place(PORT_FILE);
    fs::write(&file, port.to_string()).with_context(|| format!("cannot write `{}`", file.display()))?;
    Ok(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_get_places_of_their_own() {
        let first = place_name(Path::new("/home/me/a-b"));
        let second = place_name(Path::new("/home/me/a/b"));
        assert!(first.starts_with("home-me-a-b-") && second.starts_with("home-me-a-b-"));
        assert_ne!(first, second);
    }
}
