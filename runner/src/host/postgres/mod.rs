//! `spin:postgres@4.2.0`: the door of a component to PostgreSQL.
//!
//! - `host.rs`: the functions of the interface;
//! - `session.rs`: one connection in the hands of a guest, `rows.rs`: a result on its way to the guest;
//! - `pool.rs`: connections between runs, dialled by the crate `dial`, `limits.rs`: how many there are, `address.rs`: which
//!   are permitted;
//! - `conv.rs`, `range.rs`, `error.rs`: values and errors, only converted;
//! - `bindings.rs`: what is generated from the interface.

#![expect(
    clippy::result_large_err,
    reason = "the errors are those of the interface, and rare"
)]

mod address;
mod bindings;
mod conv;
mod error;
mod host;
mod limits;
mod pool;
mod range;
mod rows;
mod session;

use std::sync::Arc;

use application::AllowedHosts;
use deadpool_postgres::ClientWrapper;
use dial::WeakAuthentication;
use tokio_util::task::TaskTracker;
use wasmtime::component::{HasData, Linker, ResourceTable};

use pool::Pools;

/// How many connections there are to each server, of all components together.
pub(crate) type Servers = limits::Servers<ClientWrapper>;

/// What all instances of one component share.
#[derive(Clone)]
pub(crate) struct PostgresContext {
    component: Arc<str>,
    allowed_hosts: Arc<AllowedHosts>,
    pools: Arc<Pools>,
}

impl PostgresContext {
    pub(crate) fn new(
        component: &str,
        allowed_hosts: Arc<AllowedHosts>,
        weak: WeakAuthentication,
        servers: Arc<Servers>,
        alive: TaskTracker,
    ) -> Self {
        Self {
            component: component.into(),
            allowed_hosts,
            pools: Arc::new(Pools::new(component, servers, weak, alive)),
        }
    }
}

/// What a call sees of the store.
pub(crate) struct PostgresView<'a> {
    pub(crate) context: &'a PostgresContext,
    pub(crate) table: &'a mut ResourceTable,
}

/// Marks the view as the data of the interface.
pub(crate) struct Postgres;

impl HasData for Postgres {
    type Data<'a> = PostgresView<'a>;
}

/// Offers the interface to the components of `linker`.
pub(crate) fn add_to_linker<T: Send>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> PostgresView<'_>,
) -> wasmtime::Result<()> {
    bindings::add_to_linker::<T, Postgres>(linker, view)
}
