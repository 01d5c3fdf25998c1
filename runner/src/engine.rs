//! The WebAssembly engine: compiling components, once, and making instances of them, quickly.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use dial::WeakAuthentication;
use tokio_util::task::TaskTracker;
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Cache, CacheConfig, Config, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

use crate::error::RunnerError;
use crate::host::key_value::KeyValueFile;
use crate::host::postgres::Servers;
use crate::host::{self, Hosted, State};
use crate::lane::Lane;

/// How long a component may compute before the other work of its thread has a turn.
const TIME_SLICE: Duration = Duration::from_millis(10);

/// A component built with spin-sdk consists of fewer core modules, memories and tables than this.
const CORE_INSTANCES_OF_A_COMPONENT: u32 = 32;
const MEMORIES_OF_A_COMPONENT: u32 = 4;
const TABLES_OF_A_COMPONENT: u32 = 8;

/// Compiles components and keeps what all instances share.
pub(crate) struct Engine {
    engine: wasmtime::Engine,
    linker: Linker<State>,
    memory_limit: usize,
    weak: WeakAuthentication,
    servers: Arc<Servers>,
    alive: TaskTracker,
}

/// What the engine is to be prepared for.
pub(crate) struct Capacity {
    /// Most instances at the same time.
    pub(crate) instances: u32,
    /// Most memory of one instance, in bytes.
    pub(crate) memory_limit: usize,
    /// Most connections to one database server, of all components together.
    pub(crate) connections_per_server: usize,
}

impl Engine {
    /// `weak` names the servers to which passwords may be given away; `alive` is told of every instance for as long as it
    /// lives.
    pub(crate) fn new(
        capacity: &Capacity,
        cache: Option<&Path>,
        weak: WeakAuthentication,
        alive: TaskTracker,
    ) -> Result<Self, RunnerError> {
        let cache = cache.map(open_cache).transpose()?;
        let config = |allocation| {
            let mut config = Config::new();
            config
                .wasm_component_model_async(true)
                .epoch_interruption(true)
                // Components are stripped, so that a backtrace is a list of numbers.
                .wasm_backtrace_max_frames(None)
                .cache(cache.clone())
                .allocation_strategy(allocation);
            config
        };
        // The pool makes an instance in well under a millisecond, but reserves much address space, which some
        // machines do not grant (`ulimit -v`); there, instances are made one by one.
        let engine = wasmtime::Engine::new(&config(pool(capacity))).or_else(|error| {
            tracing::warn!(%error, "No pool of instances on this machine; starting them takes longer.");
            wasmtime::Engine::new(&config(InstanceAllocationStrategy::OnDemand))
        });
        let engine = engine.map_err(|error| RunnerError::Engine(error.into()))?;
        let linker = host::linker(&engine).map_err(|error| RunnerError::Engine(error.into()))?;
        start_clock(&engine).map_err(|error| RunnerError::Engine(error.into()))?;
        Ok(Self {
            engine,
            linker,
            memory_limit: capacity.memory_limit,
            weak,
            servers: Arc::new(Servers::new(capacity.connections_per_server)),
            alive,
        })
    }

    /// Compiles a component, or takes it compiled from the cache.
    pub(crate) fn load(
        &self,
        component: &application::Component,
        own_address: &Arc<OnceLock<SocketAddr>>,
        key_values: &Arc<KeyValueFile>,
    ) -> Result<Loaded, RunnerError> {
        let compiled = self
            .compile(&component.source)
            .map_err(|source| RunnerError::Load {
                component: component.id.clone(),
                path: component.source.clone(),
                source,
            })?;
        let pre = self
            .linker
            .instantiate_pre(&compiled)
            .map_err(|error| RunnerError::Import {
                component: component.id.clone(),
                source: error.into(),
            })?;
        Ok(Loaded {
            pre,
            hosted: Arc::new(Hosted::new(
                component.clone(),
                Arc::clone(own_address),
                Arc::clone(key_values),
                self.weak.clone(),
                Arc::clone(&self.servers),
                &self.alive,
            )),
            lane: Lane::new(&component.id).map_err(|error| RunnerError::Engine(error.into()))?,
            memory_limit: self.memory_limit,
            alive: self.alive.clone(),
        })
    }

    fn compile(&self, path: &Path) -> anyhow::Result<Component> {
        let bytes = std::fs::read(path)?;
        ensure_component(&bytes)?;
        Ok(Component::from_binary(&self.engine, &bytes)?)
    }
}

/// Refuses a file that is no component in fewer words than the parser would.
fn ensure_component(bytes: &[u8]) -> anyhow::Result<()> {
    match bytes {
        [0, b'a', b's', b'm', _, _, 1, 0, ..] => Ok(()),
        [0, b'a', b's', b'm', ..] => anyhow::bail!("it is a core module, not a component"),
        _ => anyhow::bail!("it is not WebAssembly"),
    }
}

fn open_cache(folder: &Path) -> Result<Cache, RunnerError> {
    let unusable = |source| RunnerError::Cache {
        path: folder.to_owned(),
        source,
    };
    std::fs::create_dir_all(folder).map_err(|error| unusable(error.into()))?;
    // Wasmtime asks for the path without links in it.
    let real = folder.canonicalize().map_err(|error| unusable(error.into()))?;
    let mut config = CacheConfig::new();
    config.with_directory(real);
    Cache::new(config).map_err(|error| unusable(error.into()))
}

fn pool(capacity: &Capacity) -> InstanceAllocationStrategy {
    let instances = capacity.instances;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances * 8)
        .total_memories(instances)
        .total_tables(instances * 4)
        .total_stacks(instances * 2)
        .max_core_instances_per_component(CORE_INSTANCES_OF_A_COMPONENT)
        .max_memories_per_component(MEMORIES_OF_A_COMPONENT)
        .max_tables_per_component(TABLES_OF_A_COMPONENT)
        .max_memory_size(capacity.memory_limit);
    InstanceAllocationStrategy::Pooling(pool)
}

/// Ends the time slice of whatever runs, again and again, until the engine is gone.
fn start_clock(engine: &wasmtime::Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    let tick = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(TIME_SLICE);
        }
    };
    thread::Builder::new()
        .name("time-slices".to_owned())
        .spawn(tick)
        .map(drop)
}

/// A component ready to be instantiated.
#[derive(Clone)]
pub(crate) struct Loaded {
    pre: InstancePre<State>,
    hosted: Arc<Hosted>,
    lane: Lane,
    memory_limit: usize,
    alive: TaskTracker,
}

impl Loaded {
    pub(crate) fn id(&self) -> &str {
        self.hosted.id()
    }

    /// Where its instances run.
    pub(crate) fn lane(&self) -> &Lane {
        &self.lane
    }

    pub(crate) fn pre(&self) -> InstancePre<State> {
        self.pre.clone()
    }

    /// An instance, made by `instantiate` in a store of its own.
    pub(crate) async fn instantiate<I>(
        &self,
        instantiate: impl AsyncFnOnce(&mut Store<State>) -> wasmtime::Result<I>,
    ) -> wasmtime::Result<(Store<State>, I)> {
        let start = Instant::now();
        let mut store = self.store();
        let instance = instantiate(&mut store).await?;
        tracing::debug!(
            component = self.id(),
            us = start.elapsed().as_micros(),
            "Made an instance."
        );
        Ok((store, instance))
    }

    /// A store for one instance: with its memory limited, and sharing its thread with others.
    fn store(&self) -> Store<State> {
        let state = State::new(&self.hosted, self.memory_limit, self.alive.token());
        let mut store = Store::new(self.pre.engine(), state);
        store.limiter(|state| state.limits());
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        store
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_component_is_a_component() {
        let refusal = |bytes| ensure_component(bytes).err().map(|error| error.to_string());
        assert_eq!(refusal(b"\0asm\x0d\0\x01\0rest"), None);
        assert_eq!(
            refusal(b"\0asm\x01\0\0\0rest").as_deref(),
            Some("it is a core module, not a component")
        );
        assert_eq!(refusal(b"hello").as_deref(), Some("it is not WebAssembly"));
        assert_eq!(refusal(b"").as_deref(), Some("it is not WebAssembly"));
    }
}
