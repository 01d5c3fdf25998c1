//! The counters of statements, under the names of `postgres_exporter`.
//!
//! A server may have thousands of statements, and a time series for each would be the end of a Prometheus. Only those
//! that took the most time since the statistics began are exposed, and their texts once, in a series of their own.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use db::Client;
use store::exposition::{self, SnapshotMetrics};
use store::statements::{self, StatementNames};
use vitals::delta::Snapshot;

use crate::page::{Page, float};

/// How many statements of a target are exposed.
const MOST: usize = 50;

/// Among how many of those with the greatest total time they are looked for: a statement that has not run since it is
/// watched has no name yet.
const CANDIDATES: usize = 500;

/// A counter of the collector `statements` under its exposed name, and what it is divided by: times are stored in
/// microseconds and exposed in seconds.
const COUNTERS: [(&str, &str, &str, f64); 5] = [
    (
        "calls",
        "pg_stat_statements_calls_total",
        "Calls of the statement.",
        1.0,
    ),
    (
        "exec_us",
        "pg_stat_statements_seconds_total",
        "Time spent executing the statement.",
        1e6,
    ),
    (
        "rows",
        "pg_stat_statements_rows_total",
        "Rows returned or touched by the statement.",
        1.0,
    ),
    (
        "read_us",
        "pg_stat_statements_block_read_seconds_total",
        "Time the statement spent reading blocks; zero without track_io_timing.",
        1e6,
    ),
    (
        "write_us",
        "pg_stat_statements_block_write_seconds_total",
        "Time the statement spent writing blocks; zero without track_io_timing.",
        1e6,
    ),
];

/// Adds the statements that took the most time, of every target.
pub(crate) async fn add(page: &mut Page, client: &impl Client) -> Result<()> {
    for metrics in exposition::snapshots(client, "statements").await? {
        let candidates = by_time(&metrics.stored.snapshot);
        let known = statements::names(client, metrics.target_id, candidates.clone()).await?;
        let known: HashMap<&str, &StatementNames> = known
            .iter()
            .map(|names| (names.statement_key.as_str(), names))
            .collect();
        let top = candidates
            .iter()
            .filter_map(|key| known.get_key_value(key.as_str()));
        // Databases and users are told apart by their numbers, and exposed by their names: one that was dropped and made
        // again has the labels of the one before it.
        let mut names_seen = HashSet::new();
        let top = top.filter(|(_, names)| {
            names_seen.insert((
                names.database.as_deref(),
                names.user_name.as_deref(),
                names.query_id,
                names.top_level,
            ))
        });
        let top = top.take(MOST).map(|(key, names)| (*key, *names)).collect();
        add_target(page, &metrics, &top)?;
    }
    Ok(())
}

/// The keys of the statements with the greatest total time, that first. Among equals the key decides, so that the choice is stable.
fn by_time(snapshot: &Snapshot) -> Vec<String> {
    let mut times: Vec<(i64, &str)> = snapshot
        .counters_of("exec_us")
        .map(|(key, microseconds)| (microseconds, key))
        .collect();
    times.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    times
        .into_iter()
        .take(CANDIDATES)
        .map(|(_, key)| key.to_owned())
        .collect()
}

fn add_target(
    page: &mut Page,
    metrics: &SnapshotMetrics,
    names: &HashMap<&str, &StatementNames>,
) -> Result<()> {
    for (column, name, help, divisor) in COUNTERS {
        for (key, counter) in metrics.stored.snapshot.counters_of(column) {
            if let Some(names) = names.get(key) {
                let query_id = names.query_id.to_string();
                page.counter(
                    name,
                    help,
                    &labels(&metrics.target, names, &query_id),
                    float(counter) / divisor,
                )?;
            }
        }
    }
    for names in names.values() {
        let query_id = names.query_id.to_string();
        let labels = labels(&metrics.target, names, &query_id);
        let query = vitals::statement::title(names.query.as_deref().unwrap_or_default());
        let labels: Vec<_> = labels.into_iter().chain([("query", query.as_str())]).collect();
        page.gauge(
            "pgvitals_statement_info",
            "The normalised text of a statement, as a label of the constant 1.",
            &labels,
            1.0,
        )?;
    }
    Ok(())
}

/// `toplevel` keeps a statement that clients send apart from the same one run within a function.
fn labels<'a>(target: &'a str, names: &'a StatementNames, query_id: &'a str) -> [(&'static str, &'a str); 5] {
    [
        ("target", target),
        ("datname", names.database.as_deref().unwrap_or_default()),
        ("user", names.user_name.as_deref().unwrap_or_default()),
        ("queryid", query_id),
        ("toplevel", if names.top_level { "true" } else { "false" }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statements_with_the_most_time_come_first() {
        let keys: Vec<String> = (0..600).map(|key| format!("1/2/{key}/t")).collect();
        let counters = (0..600).collect();
        let at = std::time::UNIX_EPOCH.into();
        let snapshot = Snapshot::new(at, "epoch", vec!["exec_us".to_owned()], keys, counters).unwrap();
        let candidates = by_time(&snapshot);
        assert_eq!(candidates.len(), CANDIDATES);
        assert_eq!(
            (candidates[0].as_str(), candidates[CANDIDATES - 1].as_str()),
            ("1/2/599/t", "1/2/100/t")
        );
    }
}
