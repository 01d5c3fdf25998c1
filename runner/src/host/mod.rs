//! What the runner offers to a component beside WASI itself.
//!
//! - `state.rs`: what belongs to one instance, and the linker that puts the interfaces together;
//! - `postgres/`: `spin:postgres`; `variables.rs`: `spin:variables`; `key_value.rs`: `spin:key-value`;
//! - `outbound_http.rs`: requests out;
//! - `sockets.rs`: which addresses it may connect to over TCP and UDP;
//! - `output.rs`: what a component prints; `roots.rs`: whom it trusts over TLS.

pub(crate) mod key_value;
pub(crate) mod outbound_http;
pub(crate) mod output;
pub(crate) mod postgres;
pub(crate) mod roots;
mod sockets;
pub(crate) mod state;
pub(crate) mod variables;

pub(crate) use state::{Hosted, State, linker};
