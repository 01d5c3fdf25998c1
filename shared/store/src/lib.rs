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
//! - [`blocking`]: sessions that wait for locks
//! - [`samples`]: what collectors without tables of their own store
//! - [`exposed`]: what the metrics endpoint shows of them
//! - [`metrics`], [`rules`], [`observations`], [`alerts`]: what can be watched, thresholds, what is measured against
//!   them, what came of it
//! - [`responses`], [`actions`]: what is done about alerts, and the journal of it
//! - [`routes`], [`silences`], [`windows`]: who is told of which, and when nobody is
//! - [`channels`], [`outbox`]: how they are told, and what waits to be told
//! - [`roll_ups`], [`retention`]: samples by the hour and the day, and what keeps the schema small
//! - [`runs`]: the journal
//! - [`load_runs`]: load tests and what came of them
//! - [`restarts`]: processes of the monitor that ended by themselves
//! - [`health`], [`exposition`], [`status`], [`views`]: reads for the outside

#![deny(missing_docs)]

pub mod actions;
pub mod alerts;
pub mod blocking;
pub mod channels;
pub mod collector_status;
pub mod collectors;
pub mod exposed;
pub mod exposition;
mod fault;
pub mod health;
mod json;
pub mod load_runs;
pub mod logins;
pub mod metrics;
pub mod migrations;
mod name;
pub mod observations;
pub mod outbox;
pub mod responses;
pub mod restarts;
pub mod retention;
pub mod roll_ups;
pub mod routes;
pub mod rules;
pub mod runs;
pub mod samples;
pub mod silences;
pub mod snapshots;
pub mod statements;
pub mod status;
pub mod targets;
pub mod views;
pub mod windows;

pub use fault::Fault;

/// The functions that keep a journal, by the names of their components.
pub const FUNCTIONS: [&str; 5] = [
    "check-alerts",
    "collect-stats",
    "deliver-notifications",
    "run-maintenance",
    "run-responses",
];

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    /// Every file below a folder, with its text.
    fn files(folder: &Path) -> Vec<(PathBuf, String)> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files.extend(self::files(&path));
            } else {
                let text = std::fs::read_to_string(&path).unwrap();
                files.push((path, text));
            }
        }
        files
    }

    fn folder(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
    }

    #[test]
    fn every_statement_says_what_it_does_and_is_sent_by_one_function() {
        let sources: String = files(&folder("src")).into_iter().map(|(_, text)| text).collect();
        for (path, text) in files(&folder("sql")) {
            assert!(text.starts_with("-- "), "{} has no header", path.display());
            let name = path.strip_prefix(folder("sql")).unwrap().display().to_string();
            let uses = sources.matches(&format!("../sql/{name}\"")).count();
            assert_eq!(uses, 1, "{name} is included {uses} times");
        }
    }

    #[test]
    fn every_function_is_missed_when_it_stops() {
        let metric = std::fs::read_to_string(folder("../../sql/metrics/function_stale_seconds.sql")).unwrap();
        for function in super::FUNCTIONS {
            assert!(
                metric.contains(&format!("'{function}'")),
                "{function} may stop without an alert"
            );
        }
    }

    #[test]
    fn keywords_are_in_lower_case() {
        let shouted = [
            "SELECT",
            "INSERT",
            "UPDATE",
            "DELETE",
            "CREATE",
            "ALTER",
            "FROM",
            "WHERE",
            "RETURNING",
        ];
        for (path, text) in files(&folder("sql"))
            .into_iter()
            .chain(files(&folder("../../sql")))
        {
            let statements = text.lines().filter(|line| !line.trim_start().starts_with("--"));
            // What stands in quotes is compared with what the server says, who shouts.
            let unquoted = statements.flat_map(|line| line.split('\'').step_by(2));
            for word in unquoted.flat_map(|part| part.split(|letter: char| !letter.is_alphanumeric())) {
                assert!(!shouted.contains(&word), "{} says {word}", path.display());
            }
        }
    }
}
