//! The monitoring database, as the targets of one run share it.

use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use db::{DbError, Preamble, unit_of_work};
use function::{Context, Host};
use futures::future::select_all;
use futures::lock::{Mutex, MutexGuard};
use store::targets::{Claim, Completion, Target};

use crate::target;

/// How many targets one round takes on a schedule: few enough that those at its end are begun while their leases last.
const TARGETS_PER_ROUND: i64 = 64;

/// How many targets a request takes, in one round.
const TARGETS_PER_REQUEST: i64 = 1000;

/// What a lease lasts beyond the time its target may take: the way back to the monitoring database.
const LEASE_MARGIN: Duration = Duration::from_secs(10);

/// How many targets share a connection to the monitoring database. They wait for their servers most of the time and write
/// within milliseconds, one unit of work after the other.
const TARGETS_PER_CONNECTION: usize = 16;

/// How many connections to the monitoring database a run opens at most, however many targets it has.
const MOST_CONNECTIONS: usize = 4;

/// The connections that all targets of a run share.
pub(crate) struct Monitoring<C> {
    clients: Vec<Mutex<C>>,
    preamble: Preamble,
    holder: String,
}

impl<C: db::Client> Monitoring<C> {
    /// Opens the first connection.
    pub(crate) async fn open<H: Host<Client = C>>(context: &Context<H>) -> anyhow::Result<Monitoring<C>> {
        let client = context
            .monitoring()
            .await
            .context("cannot open the monitoring database")?;
        // The number of the run is what no other run has, on whatever machine.
        let holder = format!("run {}", context.run_id().unwrap_or_default());
        Ok(Monitoring {
            clients: vec![Mutex::new(client)],
            preamble: context.preamble(),
            holder,
        })
    }

    /// Opens as many connections as so many targets need. Where the server has no more of them, those that there are serve
    /// all.
    pub(crate) async fn widen<H: Host<Client = C>>(&mut self, context: &Context<H>, targets: usize) {
        let wanted = targets.div_ceil(TARGETS_PER_CONNECTION).min(MOST_CONNECTIONS);
        while self.clients.len() < wanted {
            match context.monitoring().await {
                Ok(client) => self.clients.push(Mutex::new(client)),
                Err(_) => break,
            }
        }
    }

    /// Does a unit of work, when it is our turn.
    pub(crate) async fn unit<T>(
        &self,
        work: impl AsyncFnOnce(&C) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let client = self.free().await;
        unit_of_work(&*client, &self.preamble, work).await
    }

    /// The connection that is free first.
    async fn free(&self) -> MutexGuard<'_, C> {
        select_all(self.clients.iter().map(Mutex::lock)).await.0
    }

    /// The time, by the clock of the monitoring database.
    pub(crate) async fn now<H: Host<Client = C>>(
        &self,
        context: &Context<H>,
    ) -> anyhow::Result<DateTime<Utc>> {
        self.unit(async |client| context.now(client).await)
            .await
            .context("cannot ask the monitoring database for the time")
    }

    /// Claims the targets to collect from: on schedule those whose time has come, by request all that nobody holds.
    pub(crate) async fn claim(&self, only_due: bool) -> anyhow::Result<Vec<Target>> {
        let claim = Claim {
            holder: &self.holder,
            limit: if only_due {
                TARGETS_PER_ROUND
            } else {
                TARGETS_PER_REQUEST
            },
            longest: target::LONGEST,
            margin: LEASE_MARGIN,
            only_due,
        };
        self.unit(async |client| store::targets::claim_due(client, &claim).await)
            .await
            .context("cannot claim targets")
    }

    /// Writes what became of a target and gives it back.
    pub(crate) async fn complete(
        &self,
        target: &Target,
        state: store::targets::State<'_>,
    ) -> Result<bool, DbError> {
        let completion = Completion {
            target_id: target.target_id,
            holder: &self.holder,
            state,
        };
        self.unit(async |client| store::targets::complete(client, &completion).await)
            .await
    }
}
