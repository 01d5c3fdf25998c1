//! The monitoring database, as the targets of one run share it.

use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use db::{DbError, Preamble, unit_of_work};
use function::{Context, Host};
use futures::lock::Mutex;
use store::targets::{Claim, Completion, Target};

use crate::target;

/// How many targets one round takes on a schedule: few enough that those at its end are begun while their leases last.
const TARGETS_PER_ROUND: i64 = 64;

/// How many targets a request takes, in one round.
const TARGETS_PER_REQUEST: i64 = 1000;

/// What a lease lasts beyond the time its target may take: the way back to the monitoring database.
const LEASE_MARGIN: Duration = Duration::from_secs(10);

/// One connection for all targets of a run. They wait for targets most of the time and write within milliseconds, so
/// that one connection serves them all, one unit of work after the other.
pub(crate) struct Monitoring<C> {
    client: Mutex<C>,
    preamble: Preamble,
    holder: String,
}

impl<C: db::Client> Monitoring<C> {
    /// Opens the connection.
    pub(crate) async fn open<H: Host<Client = C>>(context: &Context<H>) -> anyhow::Result<Monitoring<C>> {
        let client = context
            .monitoring()
            .await
            .context("cannot open the monitoring database")?;
        // The number of the run is what no other run has, on whatever machine.
        let holder = format!("run {}", context.run_id().unwrap_or_default());
        Ok(Monitoring {
            client: Mutex::new(client),
            preamble: context.preamble(),
            holder,
        })
    }

    /// Does a unit of work, when it is our turn.
    pub(crate) async fn unit<T>(
        &self,
        work: impl AsyncFnOnce(&C) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let client = self.client.lock().await;
        unit_of_work(&*client, &self.preamble, work).await
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
