//! What integration tests are made of: real parts, found or started, and gone when the test has ended.
//!
//! - [`server`]: PostgreSQL servers of every supported version, shared by the tests of a run or of a test's own;
//! - [`database`]: a database of its own for every test, named from the test's path, kept when the test fails;
//! - [`application`]: the whole application, components on the runner, on a port of its own;
//! - [`receiver`]: an HTTP receiver that records what it gets and answers as told;
//! - [`blackhole`]: a listener that accepts and never answers;
//! - [`hostile`]: a database of somebody who means harm;
//! - [`binaries`]: where the programs under test are;
//! - [`certificates`]: authorities and certificates, and servers that use them;
//! - [`monitored`]: a database that is ready to be watched, by the same migrations and logins as anywhere;
//! - [`alertmanager`]: a real Alertmanager;
//! - [`pgbouncer`]: a real PgBouncer in front of a server;
//! - [`workload`]: a large database, quickly made.
//!
//! Nothing here depends on `function` or a component.

#![deny(missing_docs)]

pub mod alertmanager;
pub mod application;
pub mod binaries;
pub mod blackhole;
pub mod certificates;
pub mod database;
pub mod hostile;
pub mod http;
pub mod monitored;
pub mod pgbouncer;
pub mod receiver;
pub mod server;
pub mod workload;

pub use alertmanager::Alertmanager;
pub use application::Application;
pub use blackhole::Blackhole;
pub use database::Database;
pub use hostile::HostileDatabase;
pub use monitored::Monitored;
pub use pgbouncer::PgBouncer;
pub use receiver::{Answer, Receiver};
pub use server::{DedicatedServer, Server, test_versions};
pub use workload::Workload;

use std::path::PathBuf;

/// The folder of the project.
pub fn project_root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}
