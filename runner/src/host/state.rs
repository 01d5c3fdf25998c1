//! What belongs to one instance of a component.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use application::Component;
use dial::WeakAuthentication;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime::{Engine, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::key_value::{self, KeyValueFile, KeyValueView};
use super::outbound_http::OutboundHttp;
use super::output::{Output, Stream};
use super::postgres::{self, PostgresContext, PostgresView, Servers};
use super::sockets;
use super::variables::{self, VariablesView};

/// What all instances of one component share.
pub(crate) struct Hosted {
    component: Arc<Component>,
    postgres: PostgresContext,
    outbound: OutboundHttp,
    key_values: Arc<KeyValueFile>,
}

impl Hosted {
    /// `own_address` is where the application itself answers, once it does; `key_values` where it keeps what it remembers;
    /// `weak` names the servers to which passwords may be given away; `servers` counts the connections of all components;
    /// `alive` is told of work that outlives an instance.
    pub(crate) fn new(
        component: Component,
        own_address: Arc<OnceLock<SocketAddr>>,
        key_values: Arc<KeyValueFile>,
        weak: WeakAuthentication,
        servers: Arc<Servers>,
        alive: &TaskTracker,
    ) -> Self {
        let component = Arc::new(component);
        let allowed_hosts = Arc::new(component.allowed_hosts.clone());
        Self {
            postgres: PostgresContext::new(
                &component.id,
                Arc::clone(&allowed_hosts),
                weak,
                servers,
                alive.clone(),
            ),
            outbound: OutboundHttp::new(&component.id, allowed_hosts, own_address),
            key_values,
            component,
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.component.id
    }
}

/// The data of a store: one instance and its resources.
pub(crate) struct State {
    hosted: Arc<Hosted>,
    wasi: WasiCtx,
    table: ResourceTable,
    http: WasiHttpCtx,
    outbound: OutboundHttp,
    limits: StoreLimits,
    /// Tells a runner that is shutting down that this instance is still there.
    _alive: TaskTrackerToken,
}

impl State {
    pub(crate) fn new(hosted: &Arc<Hosted>, memory_limit: usize, alive: TaskTrackerToken) -> Self {
        let mut wasi = WasiCtx::builder();
        for (name, value) in &hosted.component.environment {
            wasi.env(name, value);
        }
        wasi.stdout(Output::new(hosted.id(), Stream::Stdout));
        wasi.stderr(Output::new(hosted.id(), Stream::Stderr));
        sockets::permit(&mut wasi, &hosted.component);
        Self {
            hosted: Arc::clone(hosted),
            wasi: wasi.build(),
            table: ResourceTable::new(),
            http: WasiHttpCtx::new(),
            outbound: hosted.outbound.clone(),
            // A component that asks for more is stopped with an error that says so, rather than left to abort itself.
            limits: StoreLimitsBuilder::new()
                .memory_size(memory_limit)
                .trap_on_grow_failure(true)
                .build(),
            _alive: alive,
        }
    }

    pub(crate) fn limits(&mut self) -> &mut StoreLimits {
        &mut self.limits
    }

    fn postgres(&mut self) -> PostgresView<'_> {
        PostgresView {
            context: &self.hosted.postgres,
            table: &mut self.table,
        }
    }

    fn key_values(&mut self) -> KeyValueView<'_> {
        KeyValueView {
            component: &self.hosted.component,
            file: &self.hosted.key_values,
            table: &mut self.table,
        }
    }

    fn variables(&mut self) -> VariablesView<'_> {
        VariablesView(&self.hosted.component)
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.outbound,
        }
    }
}

/// A linker with everything that a component may import: WASI 0.2 and 0.3, and the interfaces of Spin.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    postgres::add_to_linker(&mut linker, State::postgres)?;
    key_value::add_to_linker(&mut linker, State::key_values)?;
    variables::add_to_linker(&mut linker, State::variables)?;
    Ok(linker)
}
