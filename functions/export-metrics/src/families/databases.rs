//! Databases and statements.

use super::{Metric, ONE, SINCE, Source, counter, gauge, untyped};

const DATABASE: &[(&str, &str)] = &[("datid", "database_id"), ("datname", "database")];

pub(super) const SOURCES: &[Source] = &[
    Source {
        collector: "databases",
        labels: DATABASE,
        other: "datname",
        metrics: &[
            gauge(
                "backends",
                "pg_stat_database_numbackends",
                "Sessions connected to the database.",
            ),
            untyped(
                "commits",
                "pg_stat_database_xact_commit",
                "Transactions that were committed.",
            ),
            untyped(
                "rollbacks",
                "pg_stat_database_xact_rollback",
                "Transactions that were rolled back.",
            ),
            untyped(
                "blocks_read",
                "pg_stat_database_blks_read",
                "Blocks read from outside shared buffers.",
            ),
            untyped(
                "blocks_hit",
                "pg_stat_database_blks_hit",
                "Blocks found in shared buffers.",
            ),
            untyped(
                "rows_returned",
                "pg_stat_database_tup_returned",
                "Rows read by scans.",
            ),
            untyped(
                "rows_fetched",
                "pg_stat_database_tup_fetched",
                "Rows fetched by index scans.",
            ),
            untyped("rows_inserted", "pg_stat_database_tup_inserted", "Rows inserted."),
            untyped("rows_updated", "pg_stat_database_tup_updated", "Rows updated."),
            untyped("rows_deleted", "pg_stat_database_tup_deleted", "Rows deleted."),
            untyped(
                "conflicts",
                "pg_stat_database_conflicts",
                "Queries canceled by conflicts with recovery.",
            ),
            untyped(
                "temp_files",
                "pg_stat_database_temp_files",
                "Temporary files written.",
            ),
            untyped(
                "temp_bytes",
                "pg_stat_database_temp_bytes",
                "Bytes written to temporary files.",
            ),
            untyped("deadlocks", "pg_stat_database_deadlocks", "Deadlocks."),
            milliseconds(
                "read_us",
                "pg_stat_database_blk_read_time",
                "Time spent reading blocks, in milliseconds.",
            ),
            milliseconds(
                "write_us",
                "pg_stat_database_blk_write_time",
                "Time spent writing blocks, in milliseconds.",
            ),
            untyped(
                SINCE,
                "pg_stat_database_stats_reset",
                "When the statistics were reset, in seconds since 1970.",
            )
            .per(1e6)
            .alone(),
        ],
    },
    Source {
        collector: "database_sessions",
        labels: DATABASE,
        other: "datname",
        metrics: &[
            counter(
                "active_us",
                "pg_stat_database_active_time_seconds_total",
                "Time spent executing statements.",
            )
            .per(1e6),
            milliseconds(
                "active_us",
                "pg_stat_database_active_time",
                "Time spent executing statements, in milliseconds.",
            ),
            milliseconds(
                "session_us",
                "pg_stat_database_session_time",
                "Time spent by sessions, in milliseconds.",
            ),
            milliseconds(
                "idle_in_transaction_us",
                "pg_stat_database_idle_in_transaction_time",
                "Time spent idle in transactions, in milliseconds.",
            ),
            untyped(
                "sessions",
                "pg_stat_database_sessions",
                "Sessions that were established.",
            ),
            untyped(
                "sessions_abandoned",
                "pg_stat_database_sessions_abandoned",
                "Sessions that lost their client.",
            ),
            untyped(
                "sessions_fatal",
                "pg_stat_database_sessions_fatal",
                "Sessions ended by fatal errors.",
            ),
            untyped(
                "sessions_killed",
                "pg_stat_database_sessions_killed",
                "Sessions ended by an operator.",
            ),
        ],
    },
    Source {
        collector: "database_conflicts",
        labels: DATABASE,
        other: "datname",
        metrics: &[
            untyped(
                "tablespace",
                "pg_stat_database_conflicts_confl_tablespace",
                "Queries canceled because a tablespace was dropped.",
            ),
            untyped(
                "lock",
                "pg_stat_database_conflicts_confl_lock",
                "Queries canceled by lock timeouts.",
            ),
            untyped(
                "snapshot",
                "pg_stat_database_conflicts_confl_snapshot",
                "Queries canceled by old snapshots.",
            ),
            untyped(
                "buffer_pin",
                "pg_stat_database_conflicts_confl_bufferpin",
                "Queries canceled by pinned buffers.",
            ),
            untyped(
                "deadlock",
                "pg_stat_database_conflicts_confl_deadlock",
                "Queries canceled by deadlocks.",
            ),
            untyped(
                "logical_slot",
                "pg_stat_database_conflicts_confl_active_logicalslot",
                "Uses of logical slots canceled.",
            ),
        ],
    },
    Source {
        collector: "database_checksums",
        labels: &[("datname", "database")],
        other: "datname",
        metrics: &[
            untyped(
                "failures",
                "pg_stat_database_checksum_failures",
                "Pages whose checksum was found wrong.",
            ),
            untyped(
                "last_failure_at_seconds",
                "pg_stat_database_checksum_last_failure",
                "When a checksum was last found wrong, in seconds since 1970.",
            )
            .alone(),
        ],
    },
    Source {
        collector: "database_sizes",
        labels: &[("datname", "database")],
        other: "datname",
        metrics: &[
            gauge(
                "size_bytes",
                "pg_database_size_bytes",
                "The size of the database on disk.",
            ),
            gauge(
                "connection_limit",
                "pg_database_connection_limit",
                "Connections allowed; -1 for no limit.",
            )
            .alone()
            .or(-1.0),
        ],
    },
    Source {
        collector: "wraparound",
        labels: &[("datname", "database")],
        other: "datname",
        metrics: &[
            gauge(
                "xid_age_xids",
                "pg_database_wraparound_age_datfrozenxid_seconds",
                "Age of the oldest transaction id, in transactions: the name is the exporter's.",
            )
            .alone(),
            gauge(
                "multixact_age_mxids",
                "pg_database_wraparound_age_datminmxid_seconds",
                "Age of the oldest multixact id, in multixacts: the name is the exporter's.",
            )
            .alone(),
        ],
    },
    Source {
        collector: "statements",
        labels: &[
            ("datname", "database"),
            ("user", "user_name"),
            ("queryid", "query_id"),
            ("toplevel", "top_level"),
        ],
        other: "queryid",
        metrics: &[
            counter(
                "calls",
                "pg_stat_statements_calls_total",
                "Calls of the statement.",
            ),
            counter(
                "exec_us",
                "pg_stat_statements_seconds_total",
                "Time spent executing the statement.",
            )
            .per(1e6),
            counter(
                "rows",
                "pg_stat_statements_rows_total",
                "Rows returned or touched by the statement.",
            ),
            counter(
                "read_us",
                "pg_stat_statements_block_read_seconds_total",
                "Time the statement spent reading blocks; zero without track_io_timing.",
            )
            .per(1e6),
            counter(
                "write_us",
                "pg_stat_statements_block_write_seconds_total",
                "Time the statement spent writing blocks; zero without track_io_timing.",
            )
            .per(1e6),
        ],
    },
    Source {
        collector: "statements",
        labels: &[("queryid", "query_id"), ("query", "query")],
        other: "",
        metrics: &[untyped(
            ONE,
            "pg_stat_statements_query_id",
            "The normalised text of a statement, as a label of the constant 1.",
        )
        .alone()],
    },
    Source {
        collector: "statements",
        labels: &[
            ("datname", "database"),
            ("user", "user_name"),
            ("queryid", "query_id"),
            ("toplevel", "top_level"),
            ("query", "query"),
        ],
        other: "",
        metrics: &[gauge(
            ONE,
            "pgvitals_statement_info",
            "The normalised text of a statement, as a label of the constant 1.",
        )
        .alone()],
    },
];

/// Times are stored in microseconds; the exporter's are milliseconds, as the view's are.
const fn milliseconds(column: &'static str, name: &'static str, help: &'static str) -> Metric<'static> {
    untyped(column, name, help).per(1e3)
}
