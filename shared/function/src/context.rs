//! What a run has at hand.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use db::{Client, Console, DbError, ErrorKind, Preamble, SafeUrl};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use store::runs::Trigger;

use crate::SendError;
use crate::config::{Config, ConfigError, TargetRow};
use crate::deadlines::{CONNECT, NOTIFICATION, with_deadline};
use crate::host::Host;
use crate::log::Logger;

/// What a run has at hand: configuration, databases, the way out, the log.
#[derive(Debug)]
pub struct Context<H> {
    function: &'static str,
    host: H,
    config: OnceLock<Config>,
    run: OnceLock<(i64, Trigger)>,
    asked_for_due: OnceLock<bool>,
    touched: Mutex<Map<String, Value>>,
}

impl<H: Host> Context<H> {
    /// The context of a function, before its run is known.
    pub fn new(function: &'static str, host: H) -> Context<H> {
        Context {
            function,
            host,
            config: OnceLock::new(),
            run: OnceLock::new(),
            asked_for_due: OnceLock::new(),
            touched: Mutex::default(),
        }
    }

    /// The name of the function.
    pub fn function(&self) -> &'static str {
        self.function
    }

    /// The number of the run in the journal, once it has one. Reading functions have none.
    pub fn run_id(&self) -> Option<i64> {
        self.run.get().map(|(run_id, _)| *run_id)
    }

    /// What started the run: a schedule or a request. A reading function is always asked.
    pub fn trigger(&self) -> Trigger {
        self.run.get().map_or(Trigger::Http, |(_, trigger)| *trigger)
    }

    /// Whether the run is to do only what is due: by schedule, or by a request that asks for it (`?due`), as a scheduler
    /// elsewhere sends it. Any other request is for everything, now.
    pub fn only_due(&self) -> bool {
        self.trigger() == Trigger::Cron || self.asked_for_due.get().copied().unwrap_or(false)
    }

    pub(crate) fn ask_for_due(&self) {
        // A context serves one run, so that there is nothing to replace.
        let _ = self.asked_for_due.set(true);
    }

    pub(crate) fn begin_run(&self, run_id: i64, trigger: Trigger) {
        // A context serves one run, so that there is nothing to replace.
        let _ = self.run.set((run_id, trigger));
    }

    /// The log of this run.
    pub fn log(&self) -> Logger {
        let logger = Logger::new(self.function);
        self.run_id()
            .map_or_else(|| logger.clone(), |run_id| logger.for_run(run_id))
    }

    /// Notes what the run touched, as soon as it did: the journal has it also when the run fails later.
    pub fn touched(&self, name: &str, value: impl Into<Value>) {
        let mut touched = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        touched.insert(name.to_owned(), value.into());
    }

    /// Takes what was noted.
    pub(crate) fn take_touched(&self) -> Map<String, Value> {
        std::mem::take(&mut *self.touched.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The configuration, read at its first use.
    ///
    /// # Errors
    ///
    /// The first variable that is missing or cannot be used.
    pub async fn config(&self) -> Result<&Config, ConfigError> {
        if let Some(config) = self.config.get() {
            return Ok(config);
        }
        let config = Config::load(&self.host).await?;
        Ok(self.config.get_or_init(|| config))
    }

    /// Opens a connection to the monitoring database.
    ///
    /// # Errors
    ///
    /// A variable that cannot be used, or what kept the connection from being made.
    pub async fn monitoring(&self) -> anyhow::Result<H::Client> {
        let url = self.config().await?.monitoring_url.clone();
        Ok(self.connect(url).await.map_err(monitoring_hint)?)
    }

    /// Opens a connection to a target.
    ///
    /// # Errors
    ///
    /// An address or a secret that cannot be used, or what kept the connection from being made.
    pub async fn target(&self, target: TargetRow<'_>) -> anyhow::Result<H::Client> {
        let url = self.config().await?.target_url(target)?;
        Ok(self.connect(url).await?)
    }

    /// Opens a connection to a target as the maintenance login.
    ///
    /// # Errors
    ///
    /// An address that cannot be used, a password that is not known, or what kept the connection from being made.
    pub async fn maintenance(&self, target: TargetRow<'_>) -> anyhow::Result<H::Client> {
        let url = self.config().await?.maintenance_url(target)?;
        Ok(self.connect(url).await?)
    }

    /// Opens a connection to the monitoring database as the maintenance login.
    ///
    /// # Errors
    ///
    /// A password that is not known, or what kept the connection from being made.
    pub async fn monitoring_maintenance(&self) -> anyhow::Result<H::Client> {
        let url = self.config().await?.monitoring_maintenance_url()?;
        Ok(self.connect(url).await.map_err(monitoring_hint)?)
    }

    /// Opens a connection to the console of a PgBouncer.
    ///
    /// # Errors
    ///
    /// An address or a secret that cannot be used, or what kept the connection from being made.
    pub async fn console(&self, target: TargetRow<'_>) -> anyhow::Result<Console> {
        let url = self.config().await?.target_url(target)?;
        let url = url.with_application_name(&self.application_name());
        Ok(in_time(&url, self.host.console(&url)).await?)
    }

    async fn connect(&self, url: SafeUrl) -> Result<H::Client, DbError> {
        let url = url.with_application_name(&self.application_name());
        in_time(&url, self.host.connect(&url)).await
    }

    /// What the server shows for the sessions of this function.
    pub fn application_name(&self) -> String {
        format!("pgvitals/{}", self.function)
    }

    /// The preamble that each unit of work of this function begins with.
    pub fn preamble(&self) -> Preamble {
        Preamble::new(self.application_name())
    }

    /// The time of a database, which is the only clock.
    ///
    /// # Errors
    ///
    /// What the server said.
    pub async fn now(&self, client: &impl Client) -> Result<DateTime<Utc>, DbError> {
        client
            .query(
                "select (pg_catalog.clock_timestamp() at time zone 'UTC')::timestamp as now",
                &[],
            )
            .await?
            .one()?
            .get("now")
    }

    /// What was remembered under a key, beside the database and from one run to the next.
    ///
    /// # Errors
    ///
    /// Why nothing can be remembered here, or why what is there cannot be read.
    pub async fn recall<T: DeserializeOwned>(&self, key: &str) -> anyhow::Result<Option<T>> {
        let value = self.host.recall(key).await.map_err(anyhow::Error::msg)?;
        let value = value.map(|value| serde_json::from_slice(&value)).transpose();
        value.with_context(|| format!("what is remembered of {key} cannot be read"))
    }

    /// Remembers something under a key.
    ///
    /// # Errors
    ///
    /// Why nothing can be remembered here.
    pub async fn remember(&self, key: &str, value: &impl Serialize) -> anyhow::Result<()> {
        let value = serde_json::to_vec(value)?;
        self.host.remember(key, &value).await.map_err(anyhow::Error::msg)
    }

    /// Forgets what was remembered under a key.
    ///
    /// # Errors
    ///
    /// Why nothing can be remembered here.
    pub async fn forget(&self, key: &str) -> anyhow::Result<()> {
        self.host.forget(key).await.map_err(anyhow::Error::msg)
    }

    /// Sends a request to another server, within [`NOTIFICATION`].
    ///
    /// # Errors
    ///
    /// What kept the request from being answered. An answer with an error status is an answer.
    pub async fn send(&self, request: http::Request<String>) -> Result<http::Response<String>, SendError> {
        self.send_within(NOTIFICATION, request).await
    }

    /// Sends a request to another server, within a limit of its own.
    ///
    /// # Errors
    ///
    /// What kept the request from being answered. An answer with an error status is an answer.
    pub async fn send_within(
        &self,
        limit: Duration,
        request: http::Request<String>,
    ) -> Result<http::Response<String>, SendError> {
        with_deadline("sending a notification", limit, self.host.send(request)).await?
    }
}

/// Waits for a connection no longer than [`CONNECT`].
async fn in_time<T>(
    url: &SafeUrl,
    connecting: impl Future<Output = Result<T, DbError>>,
) -> Result<T, DbError> {
    match with_deadline("connecting", CONNECT, connecting).await {
        Ok(outcome) => outcome,
        Err(exceeded) => {
            let message = format!("cannot connect to {}", url.server());
            Err(DbError::new(ErrorKind::ConnectTimeout, message).with_cause(exceeded.to_string()))
        }
    }
}

/// The monitoring database is named, so that nobody looks for a fault at a target.
fn monitoring_hint(error: DbError) -> DbError {
    if error.hint.is_some() {
        return error;
    }
    error.with_hint("check that the monitoring database runs and that variable monitoring_url is right")
}
