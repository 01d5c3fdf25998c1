//! An application, started and stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use application::Application;
use dial::WeakAuthentication;
use ipnet::IpNet;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::engine::{Capacity, Engine, Loaded};
use crate::error::RunnerError;
use crate::host::key_value::KeyValueFile;
use crate::host::roots;
use crate::trigger::cron::{self, CronComponent, RunError};
use crate::trigger::http::{HttpServer, Limits, REQUESTS_OF_A_COMPONENT};
use crate::trigger::http_worker::Workers;

/// What to run, and within which limits.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The manifest, or the folder of a `spin.toml`.
    pub manifest: PathBuf,
    /// Where the values of variables come from.
    pub values: application::Options,
    /// Where to listen for requests; port 0 takes a free one.
    pub listen: String,
    /// Longest time that a run may take.
    pub deadline: Duration,
    /// Most memory that an instance may take, in bytes.
    pub memory_limit: usize,
    /// The folder in which components keep what they remember; none is `.spin` beside the manifest.
    pub state_dir: Option<PathBuf>,
    /// A folder for compiled modules; none compiles them at every start.
    pub cache: Option<PathBuf>,
    /// How long a shutdown waits for what is still running.
    pub grace: Duration,
    /// The servers to which clear-text passwords or MD5 proofs are given without verified TLS.
    pub weak_authentication: WeakAuthentication,
    /// Most connections to one database server, of all components together.
    pub connections_per_server: usize,
    /// Most connections of clients; fewer where fewer files may be open.
    pub connections: usize,
    /// Most connections from one address.
    pub connections_per_client: usize,
    /// Where many clients may come from one address: it may have as many connections as there may be.
    pub proxies: Vec<IpNet>,
}

impl Settings {
    /// Settings for a manifest, with the limits that the command has by default and no cache.
    #[must_use]
    pub fn new(manifest: impl Into<PathBuf>) -> Self {
        Self {
            manifest: manifest.into(),
            values: application::Options::from_process(),
            listen: "127.0.0.1:3000".to_owned(),
            deadline: Duration::from_secs(60),
            memory_limit: 256 << 20,
            state_dir: None,
            cache: None,
            grace: Duration::from_secs(20),
            weak_authentication: WeakAuthentication::default(),
            connections_per_server: 16,
            connections: 1024,
            connections_per_client: 128,
            proxies: ["127.0.0.0/8", "::1/128"]
                .into_iter()
                .filter_map(|network| network.parse().ok())
                .collect(),
        }
    }
}

/// A running application.
///
/// Dropping it stops it without waiting for what runs; [`Runner::shutdown`] waits.
#[derive(Debug)]
pub struct Runner {
    address: Option<SocketAddr>,
    stop: CancellationToken,
    triggers: TaskTracker,
    alive: TaskTracker,
    grace: Duration,
}

/// What [`Runner::shutdown`] left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Everything came to its end.
    Clean,
    /// Instances were still at work when the time was over.
    Abandoned {
        /// How many.
        instances: usize,
    },
}

impl Runner {
    /// Loads an application, checks everything that can be checked before the first run, and starts its triggers.
    ///
    /// # Errors
    ///
    /// [`RunnerError`] with the first thing that is wrong; nothing is left running then.
    pub async fn start(settings: &Settings) -> Result<Self, RunnerError> {
        let prepared = Prepared::load(settings).await?;
        let application = &prepared.application;
        for warning in &application.warnings {
            tracing::warn!("{}: {warning}", application.manifest.display());
        }
        if application.http_triggers.is_empty() && application.cron_triggers.is_empty() {
            return Err(RunnerError::NoTrigger {
                path: application.manifest.clone(),
            });
        }
        let stop = CancellationToken::new();
        let workers = prepared.workers(settings.deadline, &stop)?;
        let schedules = prepared.schedules(settings.deadline)?;

        let triggers = TaskTracker::new();
        let mut address = None;
        if !workers.is_empty() {
            let listener = listen(&settings.listen).await?;
            let local = listener
                .local_addr()
                .map_err(|source| not_listening(&settings.listen, source))?;
            // Set only here, so that it cannot be set already.
            let _ = prepared.own_address.set(local);
            address = Some(local);
            let server = Arc::new(HttpServer::new(application, workers, limits(settings)));
            triggers.spawn(server.serve(listener, stop.clone()));
        }
        for (schedule, component) in schedules {
            triggers.spawn(cron::follow(schedule, component, stop.clone()));
        }
        Ok(Self {
            address,
            stop,
            triggers,
            alive: prepared.alive,
            grace: settings.grace,
        })
    }

    /// Where requests are answered; none when the application has no HTTP trigger.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Takes no more requests, starts no more runs, and waits for those that run, within the time of grace.
    pub async fn shutdown(self) -> Shutdown {
        self.stop.cancel();
        self.triggers.close();
        self.alive.close();
        let ended = async {
            self.triggers.wait().await;
            self.alive.wait().await;
        };
        match tokio::time::timeout(self.grace, ended).await {
            Ok(()) => Shutdown::Clean,
            Err(_) => Shutdown::Abandoned {
                instances: self.alive.len(),
            },
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Runs one component once, as its schedule would.
///
/// # Errors
///
/// [`RunnerError`] when it cannot be started; how the run itself ended is the inner result.
pub async fn run_once(settings: &Settings, component: &str) -> Result<anyhow::Result<()>, RunnerError> {
    let prepared = Prepared::load(settings).await?;
    let loaded = prepared
        .components
        .get(component)
        .cloned()
        .ok_or_else(|| RunnerError::NoSuchComponent {
            name: component.to_owned(),
            known: prepared.components.keys().cloned().collect(),
        })?;
    let outcome: Result<(), RunError> = CronComponent::new(loaded, settings.deadline)?.run_in_lane().await;
    Ok(outcome.map_err(anyhow::Error::new))
}

/// An application whose components are compiled.
struct Prepared {
    application: Application,
    components: BTreeMap<String, Loaded>,
    own_address: Arc<OnceLock<SocketAddr>>,
    alive: TaskTracker,
}

impl Prepared {
    async fn load(settings: &Settings) -> Result<Self, RunnerError> {
        let settings = settings.clone();
        // Reading files and compiling keep a thread busy for seconds at the first start.
        let loading = tokio::task::spawn_blocking(move || Self::load_blocking(&settings));
        loading
            .await
            .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    fn load_blocking(settings: &Settings) -> Result<Self, RunnerError> {
        let application = Application::load(&settings.manifest, &settings.values)?;
        // Read beside the compiling, so that the first connection need not wait for it.
        std::thread::spawn(roots::default_client);
        let alive = TaskTracker::new();
        let engine = Engine::new(
            &capacity(&application, settings),
            settings.cache.as_deref(),
            settings.weak_authentication.clone(),
            alive.clone(),
        )?;
        let own_address = Arc::new(OnceLock::new());
        let key_values = Arc::new(KeyValueFile::new(&state_dir(&application, settings)));
        let components = application.components.values().map(|component| {
            let loaded = engine.load(component, &own_address, &key_values)?;
            Ok((component.id.clone(), loaded))
        });
        let components = components.collect::<Result<_, RunnerError>>()?;
        Ok(Self {
            application,
            components,
            own_address,
            alive,
        })
    }

    /// What the HTTP trigger runs, one for each component that stands on a route.
    fn workers(&self, deadline: Duration, stop: &CancellationToken) -> Result<Vec<Workers>, RunnerError> {
        let ids: BTreeSet<&str> = self
            .application
            .router
            .routes()
            .map(|route| route.component.as_str())
            .collect();
        let loaded = ids.into_iter().filter_map(|id| self.components.get(id).cloned());
        loaded
            .map(|loaded| Workers::new(loaded, deadline, stop.clone()))
            .collect()
    }

    /// What the cron trigger runs, and when.
    fn schedules(
        &self,
        deadline: Duration,
    ) -> Result<Vec<(application::Schedule, CronComponent)>, RunnerError> {
        let triggers = self.application.cron_triggers.iter();
        let loaded = triggers.filter_map(|trigger| {
            Some((
                trigger.schedule.clone(),
                self.components.get(&trigger.component).cloned()?,
            ))
        });
        loaded
            .map(|(schedule, loaded)| Ok((schedule, CronComponent::new(loaded, deadline)?)))
            .collect()
    }
}

/// Room for every request that may be in hand, every schedule, and instances that are on their way out.
fn capacity(application: &Application, settings: &Settings) -> Capacity {
    let at_once = application.components.len() * REQUESTS_OF_A_COMPONENT + application.cron_triggers.len();
    let on_their_way_out = 32;
    Capacity {
        instances: u32::try_from(at_once + on_their_way_out).unwrap_or(u32::MAX),
        memory_limit: settings.memory_limit,
        connections_per_server: settings.connections_per_server,
    }
}

fn limits(settings: &Settings) -> Limits {
    Limits {
        most: settings.connections.max(1),
        of_a_client: settings.connections_per_client.max(1),
        proxies: settings.proxies.clone(),
        deadline: settings.deadline,
    }
}

/// Where Spin would keep the state of an application, unless another folder is named.
fn state_dir(application: &Application, settings: &Settings) -> PathBuf {
    let beside_manifest = || application.manifest.with_file_name(".spin");
    settings.state_dir.clone().unwrap_or_else(beside_manifest)
}

async fn listen(address: &str) -> Result<TcpListener, RunnerError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| not_listening(address, source))
}

fn not_listening(address: &str, source: std::io::Error) -> RunnerError {
    RunnerError::Listen {
        address: address.to_owned(),
        source,
    }
}
