//! The monitoring schema seen from Rust: every statement that reads or writes a monitoring table.
//!
//! One module per subject, one file under `sql/` per statement, one statement per operation however many rows it
//! touches. Functions are generic over [`db::Client`], so that components, the command and the tests share them. What
//! belongs into one transaction is put into one [`db::unit_of_work`] by the caller; times are the database's.
//!
//! - [`migrations`], [`logins`]: how the schema and its roles come to be
//! - [`collectors`]: the statements that are sent to targets
//! - [`targets`], [`collector_status`]: who is watched, and how that goes
//! - [`snapshots`], [`statements`]: counters, the samples made of them, and the names of statements
//! - [`rules`], [`observations`], [`alerts`]: thresholds, what is measured against them, what came of it
//! - [`channels`], [`outbox`]: who is told, and what waits to be told
//! - [`runs`], [`retention`]: the journal, and what keeps the schema small
//! - [`health`], [`exposition`], [`status`]: reads for the outside

#![deny(missing_docs)]

pub mod alerts;
pub mod channels;
pub mod collector_status;
pub mod collectors;
pub mod exposition;
pub mod health;
mod json;
pub mod logins;
pub mod migrations;
mod name;
pub mod observations;
pub mod outbox;
pub mod retention;
pub mod rules;
pub mod runs;
pub mod snapshots;
pub mod statements;
pub mod status;
pub mod targets;

/// The functions that keep a journal, by the names of their components.
pub const FUNCTIONS: [&str; 3] = ["check-alerts", "collect-stats", "deliver-notifications"];
