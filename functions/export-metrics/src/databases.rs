//! The counters of databases, under the names of `postgres_exporter`.

use anyhow::Result;
use db::Client;
use store::exposition;

use crate::page::{Page, float};

/// A counter of the collector `databases` under its exposed name. The last is what it is divided by: times are stored
/// in microseconds, and the exporter's are milliseconds, as the view's are.
const COUNTERS: [(&str, &str, &str, f64); 15] = [
    (
        "commits",
        "pg_stat_database_xact_commit",
        "Transactions that were committed.",
        1.0,
    ),
    (
        "rollbacks",
        "pg_stat_database_xact_rollback",
        "Transactions that were rolled back.",
        1.0,
    ),
    (
        "blocks_read",
        "pg_stat_database_blks_read",
        "Blocks read from outside shared buffers.",
        1.0,
    ),
    (
        "blocks_hit",
        "pg_stat_database_blks_hit",
        "Blocks found in shared buffers.",
        1.0,
    ),
    (
        "rows_returned",
        "pg_stat_database_tup_returned",
        "Rows read by scans.",
        1.0,
    ),
    (
        "rows_fetched",
        "pg_stat_database_tup_fetched",
        "Rows fetched by index scans.",
        1.0,
    ),
    (
        "rows_inserted",
        "pg_stat_database_tup_inserted",
        "Rows inserted.",
        1.0,
    ),
    (
        "rows_updated",
        "pg_stat_database_tup_updated",
        "Rows updated.",
        1.0,
    ),
    (
        "rows_deleted",
        "pg_stat_database_tup_deleted",
        "Rows deleted.",
        1.0,
    ),
    (
        "conflicts",
        "pg_stat_database_conflicts",
        "Queries canceled by conflicts with recovery.",
        1.0,
    ),
    (
        "temp_files",
        "pg_stat_database_temp_files",
        "Temporary files written.",
        1.0,
    ),
    (
        "temp_bytes",
        "pg_stat_database_temp_bytes",
        "Bytes written to temporary files.",
        1.0,
    ),
    ("deadlocks", "pg_stat_database_deadlocks", "Deadlocks.", 1.0),
    (
        "read_us",
        "pg_stat_database_blk_read_time",
        "Time spent reading blocks, in milliseconds.",
        1000.0,
    ),
    (
        "write_us",
        "pg_stat_database_blk_write_time",
        "Time spent writing blocks, in milliseconds.",
        1000.0,
    ),
];

/// Adds the last raw counters of every database of every target.
pub(crate) async fn add(page: &mut Page, client: &impl Client) -> Result<()> {
    for metrics in exposition::snapshots(client, "databases").await? {
        let snapshot = &metrics.stored.snapshot;
        for (column, name, help, divisor) in COUNTERS {
            for (key, counter) in snapshot.counters_of(column) {
                // The key is the number and the name of the database.
                let Some((_, database)) = key.split_once('/') else {
                    continue;
                };
                let labels = [("target", metrics.target.as_str()), ("datname", database)];
                page.untyped(name, help, &labels, float(counter) / divisor)?;
            }
        }
    }
    Ok(())
}
