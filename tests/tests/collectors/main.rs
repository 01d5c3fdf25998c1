//! The collectors on real servers: each runs with nothing but `pg_monitor`, gives what its header says, and what it gives
//! is what happened.
//!
//! - `reading.rs`: takes the variant that fits a server and reads it, as a target is read;
//! - `tables.rs`, `bloat.rs`, `findings.rs`: what is counted, estimated and found in a database;
//! - `every.rs`: what holds for all of those; `stored.rs`: what the component makes of them;
//! - `watched.rs`: a server with the login that reads it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(
    dead_code,
    reason = "the collectors that need the rest of it are being written"
)]

mod bloat;
mod every;
mod findings;
mod reading;
mod stored;
mod tables;
mod watched;

use integration_tests::test_versions;

use reading::read;
use watched::Watched;

#[tokio::test]
async fn a_database_is_read_by_its_name() {
    for version in test_versions() {
        let watched = Watched::database(version, "by_name").await;
        let reading = read(&watched.monitor, "databases").await;
        let row = reading.row(&[("database", watched.name())]);
        assert_eq!(
            row.number("backends"),
            Some(2),
            "of the superuser and of the monitor"
        );
    }
}
