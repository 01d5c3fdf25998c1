//! Instances that answer requests: made when needed, used again while they last.
//!
//! As on Spin an instance answers up to 128 requests, up to 16 at once, and goes when it has been idle for a second.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use wasmtime::component::GuestTaskId;
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::{WasiHttpView as _, p2, p3};

use crate::engine::Loaded;
use crate::error::RunnerError;
use crate::host::State;
use crate::lane::Lane;

/// Most requests that an instance answers in its life.
const REQUESTS_OF_AN_INSTANCE: usize = 128;

/// Most requests that an instance answers at the same time.
pub(crate) const REQUESTS_AT_ONCE: usize = 16;

/// How long an instance waits for another request.
const IDLE_TIME: Duration = Duration::from_secs(1);

/// Makes instances of one component.
pub(crate) struct Workers {
    loaded: Loaded,
    pre: ProxyPre<State>,
    deadline: Duration,
    stop: CancellationToken,
}

impl Workers {
    /// Checks that the component has what the trigger calls.
    pub(crate) fn new(
        loaded: Loaded,
        deadline: Duration,
        stop: CancellationToken,
    ) -> Result<Self, RunnerError> {
        let pre = match p3::bindings::ServicePre::new(loaded.pre()) {
            Ok(pre) => ProxyPre::P3(pre),
            Err(error) => match p2::bindings::ProxyPre::new(loaded.pre()) {
                Ok(pre) => ProxyPre::P2(pre),
                Err(_) => {
                    return Err(RunnerError::Export {
                        component: loaded.id().to_owned(),
                        trigger: "an HTTP trigger",
                        export: "wasi:http/handler@0.3.0",
                        source: error.into(),
                    });
                }
            },
        };
        Ok(Self {
            loaded,
            pre,
            deadline,
            stop,
        })
    }

    pub(crate) fn component(&self) -> &str {
        self.loaded.id()
    }

    /// Where its instances run.
    pub(crate) fn lane(&self) -> &Lane {
        self.loaded.lane()
    }

    pub(crate) fn deadline(&self) -> Duration {
        self.deadline
    }
}

impl HandlerState for Workers {
    type StoreData = State;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<State, Expiration, Worker>> {
        let (store, proxy) = self
            .loaded
            .instantiate(async |store| self.pre.instantiate_async(store).await)
            .await?;
        let late = Arc::new(AtomicBool::new(false));
        Ok(Instance {
            store,
            proxy,
            view: |state| state.http(),
            expiration: Expiration {
                deadline: self.deadline,
                late: Arc::clone(&late),
                sleep: Box::pin(tokio::time::sleep(self.deadline)),
                stop: Box::pin(self.stop.clone().cancelled_owned()),
            },
            state: Worker {
                component: self.loaded.id().into(),
                deadline: self.deadline,
                late,
            },
        })
    }
}

/// One instance and its share of requests.
pub(crate) struct Worker {
    component: Arc<str>,
    deadline: Duration,
    /// Whether a request was given up, after which the instance takes no more.
    late: Arc<AtomicBool>,
}

impl WorkerState for Worker {
    type StoreData = State;
    type RequestData = ();

    fn should_accept_request(&self, at_once: usize, in_all: usize) -> ShouldAccept {
        if in_all >= REQUESTS_OF_AN_INSTANCE {
            ShouldAccept::Never
        } else if at_once >= REQUESTS_AT_ONCE {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, State>,
        (): (),
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        let end = tokio::time::sleep(self.deadline);
        let late = Arc::clone(&self.late);
        Box::pin(async move {
            end.await;
            late.store(true, Ordering::Relaxed);
        })
    }

    fn drop(&self, store: Store<State>, result: wasmtime::Result<()>) {
        drop(store);
        // A request that was given up is logged as such, by whoever waited for it.
        let late = self.late.load(Ordering::Relaxed);
        if let (Err(error), false) = (result, late) {
            let error = format!("{:#}", anyhow::Error::from(error));
            tracing::error!(component = %self.component, trigger = "http", error, "Instance failed.");
        }
    }
}

/// When an instance goes.
pub(crate) struct Expiration {
    deadline: Duration,
    late: Arc<AtomicBool>,
    sleep: Pin<Box<Sleep>>,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        status: WorkerStatus,
        since: Instant,
    ) -> Poll<()> {
        let limit = match status {
            // Nothing is lost with an idle instance, so a runner that stops does not wait for it.
            WorkerStatus::Idle if self.stop.as_mut().poll(context).is_ready() => return Poll::Ready(()),
            WorkerStatus::Idle => IDLE_TIME,
            // All that is left is a request that was given up, which would go on for another deadline.
            WorkerStatus::PostReturn if self.late.load(Ordering::Relaxed) => return Poll::Ready(()),
            WorkerStatus::Requests | WorkerStatus::PostReturn => self.deadline,
        };
        let end = tokio::time::Instant::from_std(since + limit);
        if self.sleep.deadline() != end {
            self.sleep.as_mut().reset(end);
        }
        let ended = self.sleep.as_mut().poll(context);
        if ended.is_ready() && status == WorkerStatus::Requests {
            // The component computed for so long that its requests could not be given up one by one.
            self.late.store(true, Ordering::Relaxed);
        }
        ended
    }
}
