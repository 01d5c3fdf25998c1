//! The cron trigger: runs a component at its times, each time in a fresh instance.
//!
//! A time that comes while the last run of the same entry is still going is skipped and said so; a time that was
//! missed, say because the machine slept, is not made up for. An error or a trap is logged and the schedule goes on.

use std::time::{Duration, Instant};

use application::Schedule;
use chrono::Utc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::engine::Loaded;
use crate::error::RunnerError;
use crate::host::State;

mod generated {
    wasmtime::component::bindgen!({
        path: "wit/deps/spin-cron",
        world: "spin-cron",
        exports: { default: async | store },
    });
}

use generated::SpinCronPre;
use generated::spin::cron::cron_types::{Error as GuestError, Metadata};

/// Longest sleep at once: the clock of the machine may be set while a schedule waits.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// A component that can be run by a schedule.
#[derive(Clone)]
pub(crate) struct CronComponent {
    loaded: Loaded,
    pre: SpinCronPre<State>,
    deadline: Duration,
}

/// How a run ended, other than well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error("component returned an error: {0}")]
    Guest(String),
    #[error("run took longer than its deadline of {}", humantime(*.0))]
    Deadline(Duration),
    #[error("component failed")]
    Trap(#[source] anyhow::Error),
}

fn humantime(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

impl CronComponent {
    /// Checks that the component has what the trigger calls.
    pub(crate) fn new(loaded: Loaded, deadline: Duration) -> Result<Self, RunnerError> {
        let pre = SpinCronPre::new(loaded.pre()).map_err(|error| RunnerError::Export {
            component: loaded.id().to_owned(),
            trigger: "a cron trigger",
            export: "handle-cron-event",
            source: error.into(),
        })?;
        Ok(Self {
            loaded,
            pre,
            deadline,
        })
    }

    async fn run(&self) -> Result<(), RunError> {
        // Dropping the run drops its instance, with everything that it waits for.
        match tokio::time::timeout(self.deadline, self.call()).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(GuestError::Other(message)))) => Err(RunError::Guest(message)),
            Ok(Err(trap)) => Err(RunError::Trap(trap.into())),
            Err(_) => Err(RunError::Deadline(self.deadline)),
        }
    }

    /// Runs the component once, where its instances run.
    pub(crate) async fn run_in_lane(&self) -> Result<(), RunError> {
        let component = self.clone();
        let run = self.loaded.lane().run(async move { component.run().await });
        run.await
            .unwrap_or_else(|| Err(RunError::Trap(anyhow::anyhow!("the runner panicked in it"))))
    }

    async fn call(&self) -> wasmtime::Result<Result<(), GuestError>> {
        let pre = self.pre.clone();
        let made = self
            .loaded
            .instantiate(async move |store| pre.instantiate_async(store).await)
            .await;
        let (mut store, instance) = made?;
        let timestamp = u64::try_from(Utc::now().timestamp()).unwrap_or_default();
        store
            .run_concurrent(async |accessor| {
                instance
                    .call_handle_cron_event(accessor, Metadata { timestamp })
                    .await
            })
            .await?
    }

    async fn run_and_log(&self) {
        let component = self.loaded.id();
        let start = Instant::now();
        let outcome = self.run_in_lane().await;
        let ms = milliseconds(start.elapsed());
        match outcome {
            Ok(()) => tracing::info!(component, trigger = "cron", ms, "Ran."),
            Err(error) => {
                let error = format!("{:#}", anyhow::Error::new(error));
                tracing::error!(component, trigger = "cron", ms, error, "Run failed.");
            }
        }
    }
}

/// Milliseconds with two decimals, as they stand in the log.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}

/// Runs a component by its schedule until `stop`; a run that is going on then goes on.
pub(crate) async fn follow(schedule: Schedule, component: CronComponent, stop: CancellationToken) {
    let mut last: Option<JoinHandle<()>> = None;
    let mut now = Utc::now();
    while let Some(next) = schedule.next_after(now) {
        tokio::select! {
            () = sleep_until(next) => {}
            () = stop.cancelled() => break,
        }
        if last.as_ref().is_some_and(|run| !run.is_finished()) {
            tracing::warn!(
                component = component.loaded.id(),
                schedule = schedule.expression(),
                "Skipped: the last run of this schedule is still going.",
            );
        } else {
            let component = component.clone();
            last = Some(tokio::spawn(async move { component.run_and_log().await }));
        }
        // After a long sleep of the machine the times in between are gone.
        now = Utc::now().max(next);
    }
    if let Some(run) = last {
        // A run that panicked has said so already.
        let _ = run.await;
    }
}

async fn sleep_until(time: chrono::DateTime<Utc>) {
    while let Ok(left) = (time - Utc::now()).to_std() {
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
    }
}
