//! `pgvitals up`: the database, the schema, the application, and their end.
//!
//! - `postgres.rs`: the default database
//! - `setup.rs`: logins, schema, first target
//! - `application.rs`, `log.rs`: the runner and its log
//! - `supervise.rs`, `backoff.rs`, `reports.rs`: what ended by itself is started again, and told of
//! - `demo.rs`: a small load
//! - `screen.rs`: what is shown
//! - `detach.rs`: the same in the background

mod application;
mod backoff;
mod demo;
mod detach;
mod log;
mod postgres;
mod reports;
mod screen;
pub(crate) mod setup;
mod supervise;

use std::time::Duration;

use anyhow::{Context, Result};
use db::SafeUrl;
use embedded_postgres::{ProcessIdentity, free_port, port_is_free};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::arguments::Up;
use crate::failure::Failure;
use crate::output::Output;
use crate::project::Project;
use crate::secrets::{API_TOKEN, MONITORING_URL, WEAK_AUTHENTICATION};
use crate::settings::Settings;
use crate::state::{Holder, Lock, Screen, State};
use application::{Application, Launch, RUNNER, RUNNER_WEAK_AUTHENTICATION};
use backoff::Patience;
use demo::Demo;
use postgres::DefaultPostgres;
use setup::{Database, Prepared};
use supervise::Supervision;

/// Where people reach the application; the runner's variable.
const EXTERNAL_URL: &str = "SPIN_VARIABLE_EXTERNAL_URL";
/// After how many looks in a row that find nobody another `up` counts as ended.
const ALONE_LIMIT: u32 = 10;

pub(crate) async fn run(arguments: &Up, project: &Project, output: &Output) -> Result<()> {
    // Watched from the start, so that a stop during the start leaves nothing behind.
    let mut stop = Stop::new()?;
    let Some(mut lock) = Lock::take(project)? else {
        return show_running(project, output).await;
    };
    if arguments.detach {
        drop(lock);
        return detach::run(arguments, project, output, &mut stop).await;
    }
    lock.sign()?;
    stop_left_behind(project, output).await?;
    let mut started = Started::new(project)?;
    let outcome = started
        .start_and_watch(arguments, project, output, &mut stop)
        .await;
    let stopped = started.stop(output).await;
    State::remove(project)?;
    drop(lock);
    outcome.and(stopped)
}

/// Everything this process started, in the order of its end.
#[derive(Debug)]
struct Started {
    state: State,
    demo: Option<Demo>,
    application: Option<Application>,
    postgres: Option<DefaultPostgres>,
}

impl Started {
    fn new(project: &Project) -> Result<Self> {
        let up = ProcessIdentity::of(std::process::id())
            .context("cannot find out when this process was started")?;
        let state = State {
            up,
            application: None,
            postgres: None,
            data: None,
            screen: None,
        };
        state.save(project)?;
        Ok(Self {
            state,
            demo: None,
            application: None,
            postgres: None,
        })
    }

    /// Starts everything, shows it, and stays until somebody stops it or a part of it ends.
    async fn start_and_watch(
        &mut self,
        arguments: &Up,
        project: &Project,
        output: &Output,
        stop: &mut Stop,
    ) -> Result<()> {
        let port = choose_port(arguments.port)?;
        let mut settings = Settings::load(project)?;
        let Some(database) = self.start_database(project, &mut settings, output, stop).await? else {
            return Ok(());
        };
        if arguments.demo && !matches!(database, Database::Default(_)) {
            return Err(Failure::new(
                "--demo makes tables and load, which is only done in the default database",
                "leave --demo out, or unset DATABASE_URL",
            )
            .into());
        }
        let prepared = {
            let _step = output.step("preparing the monitoring schema");
            stop.unless(setup::prepare(
                &database,
                &mut settings,
                arguments.reset_passwords,
                output,
            ))
            .await
        };
        let Some(prepared) = prepared.transpose()? else {
            return Ok(());
        };
        let launch = launch(port, &mut settings)?;
        let Some(address) = self.start_application(&launch, project, output, stop).await? else {
            return Ok(());
        };
        if let (true, Database::Default(administrator)) = (arguments.demo, &database) {
            self.demo = Some(Demo::start(administrator).await?);
        }
        self.state.screen = Some(self.describe(&address, &prepared, arguments.demo, project));
        self.state.save(project)?;
        if let Some(screen) = &self.state.screen {
            screen::show(screen, false, output)?;
        }
        let supervision = Supervision {
            project,
            monitoring: settings.monitoring_url()?,
            settings: &mut settings,
            launch,
            patience: Patience::default(),
            output,
        };
        self.watch(supervision, stop).await
    }

    /// The database that was named, or the default one, started. None when somebody stops us meanwhile.
    async fn start_database(
        &mut self,
        project: &Project,
        settings: &mut Settings,
        output: &Output,
        stop: &mut Stop,
    ) -> Result<Option<Database>> {
        if let Some(administrator) = settings.database_url()? {
            return Ok(Some(Database::Administered(administrator)));
        }
        if settings.given(MONITORING_URL).is_some() {
            return Ok(Some(Database::Given(settings.monitoring_url()?)));
        }
        // Never given up half-way: a server that was started must be known to be stopped.
        let postgres = DefaultPostgres::start(project, settings, output).await?;
        self.state.postgres = Some(postgres.identity().clone());
        self.state.data = Some(postgres.data().to_owned());
        let database = Database::Default(postgres.administrator().clone());
        self.postgres = Some(postgres);
        self.state.save(project)?;
        Ok((!stop.was_requested()).then_some(database))
    }

    async fn start_application(
        &mut self,
        launch: &Launch,
        project: &Project,
        output: &Output,
        stop: &mut Stop,
    ) -> Result<Option<String>> {
        let _step = output.step("starting the application");
        let application = self
            .application
            .insert(Application::spawn(project, launch, output)?);
        self.state.application = Some(application.identity().clone());
        self.state.save(project)?;
        stop.unless(application.ready()).await.transpose()
    }

    fn describe(&self, address: &str, prepared: &Prepared, demo: bool, project: &Project) -> Screen {
        let shown = |target: &store::targets::Target| (target.name.clone(), target.address.clone());
        Screen {
            url: format!("http://{address}"),
            monitoring: prepared.monitoring.without_login(),
            server_version: prepared.server_version.clone(),
            targets: prepared
                .targets
                .iter()
                .filter(|target| target.enabled)
                .map(shown)
                .collect(),
            channels: prepared.channels.clone(),
            data: self.state.data.as_deref().map(|data| project.shown(data)),
            demo,
            log: project.shown(&application::log_path(project)),
        }
    }

    /// Stops what was started, each after what depends on it. All of it, even when a part refuses.
    async fn stop(&mut self, output: &Output) -> Result<()> {
        if self.application.is_none() && self.postgres.is_none() {
            return Ok(());
        }
        let _step = output.step("stopping");
        if let Some(demo) = self.demo.take() {
            demo.stop().await;
        }
        let application = match self.application.take() {
            Some(application) => application.stop().await.context("cannot stop the application"),
            None => Ok(()),
        };
        let postgres = match self.postgres.take() {
            Some(postgres) => postgres.stop().await.context("cannot stop the default database"),
            None => Ok(()),
        };
        application.and(postgres)
    }
}

/// How the application is to be started; makes the token that it asks for where there is none yet.
fn launch(port: u16, settings: &mut Settings) -> Result<Launch> {
    if settings.given(API_TOKEN).is_none() {
        settings.secrets.get_or_make(API_TOKEN)?;
    }
    let mut variables = settings.variables();
    if settings.given(EXTERNAL_URL).is_none() {
        variables.insert(EXTERNAL_URL.to_owned(), format!("http://127.0.0.1:{port}"));
    }
    // What the runner gives away is asked of itself, not of the application.
    if let Some(weak) = settings.get(WEAK_AUTHENTICATION) {
        variables.insert(RUNNER_WEAK_AUTHENTICATION.to_owned(), weak);
    }
    Ok(Launch {
        port,
        variables,
        runner: settings.given(RUNNER),
    })
}

fn choose_port(port: u16) -> Result<u16> {
    if port == 0 {
        return free_port().context("cannot find a free port");
    }
    if port_is_free(port) {
        return Ok(port);
    }
    Err(Failure::new(
        format!("port {port} of 127.0.0.1 is in use"),
        "choose another one by --port, or stop what listens there",
    )
    .into())
}

/// Says that it runs already, and where.
async fn show_running(project: &Project, output: &Output) -> Result<()> {
    let holder = Holder::of(project).map_or_else(String::new, |holder| format!(" ({holder})"));
    output.say(&format!("pgvitals is running already{holder}"));
    let _step = output.step("waiting until everything runs");
    // The other one may still be starting.
    let mut alone = 0;
    for _ in 0..1200 {
        let state = State::load(project).filter(|state| state.up.is_alive());
        if let Some(screen) = state.and_then(|state| state.screen) {
            return screen::show(&screen, true, output);
        }
        // One that goes to the background lets go of the lock for a moment, so seeing it free once tells nothing.
        alone = if Lock::take(project)?.is_some() {
            alone + 1
        } else {
            0
        };
        if alone == ALONE_LIMIT {
            return Err(Failure::new(
                "the other `pgvitals up` ended before everything ran",
                "see what it said, or start again",
            )
            .into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(Failure::new(
        format!("another `pgvitals up`{holder} is starting and does not come to an end"),
        "stop it by `pgvitals down`",
    )
    .into())
}

/// Stops what an `up` that was killed has left running.
pub(crate) async fn stop_left_behind(project: &Project, output: &Output) -> Result<bool> {
    let state = State::load(project);
    let postgres = postgres::left_behind(project, state.as_ref());
    let application = application::left_behind(project, state.and_then(|state| state.application));
    let found = application.is_some() || postgres.is_some();
    if found {
        let _step = output.step("stopping what an earlier `up` left behind");
        if let Some(application) = application {
            application::stop_left_behind(&application).await;
        }
        if let Some(data) = postgres {
            postgres::stop_left_behind(data).await?;
        }
    }
    State::remove(project)?;
    Ok(found)
}

/// The database as its administrator, for `migrate`: the one that was named, or the default one while it runs.
pub(crate) fn administrator(project: &Project, settings: &Settings) -> Result<SafeUrl> {
    if let Some(administrator) = settings.database_url()? {
        return Ok(administrator);
    }
    postgres::administrator_while_running(project, settings)
}

/// Ctrl-C and `kill`, by which we are stopped.
#[derive(Debug)]
struct Stop {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    requested: bool,
}

impl Stop {
    fn new() -> Result<Self> {
        let watch = |kind| signal(kind).context("cannot watch for signals");
        Ok(Self {
            interrupt: watch(SignalKind::interrupt())?,
            terminate: watch(SignalKind::terminate())?,
            hang_up: watch(SignalKind::hangup())?,
            requested: false,
        })
    }

    async fn requested(&mut self) {
        if self.requested {
            return;
        }
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
        self.requested = true;
    }

    /// Whether a signal has come, without waiting for one.
    fn was_requested(&mut self) -> bool {
        use std::task::{Context, Waker};
        let mut context = Context::from_waker(Waker::noop());
        let came = [&mut self.interrupt, &mut self.terminate, &mut self.hang_up]
            .into_iter()
            .any(|signal| signal.poll_recv(&mut context).is_ready());
        self.requested |= came;
        self.requested
    }

    /// Does something unless we are stopped meanwhile.
    async fn unless<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            () = self.requested() => None,
            outcome = work => Some(outcome),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_is_waited_for_who_ended_while_starting() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("spin.toml"), "").unwrap();
        let project = Project::find(Some(folder.path())).unwrap();
        let lock = Lock::take(&project).unwrap().unwrap();
        let waiting = tokio::spawn({
            let project = project.clone();
            async move { show_running(&project, &Output::new(false)).await }
        });
        tokio::task::yield_now().await;
        drop(lock);
        let error = waiting.await.unwrap().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the other `pgvitals up` ended before everything ran"
        );
    }
}
