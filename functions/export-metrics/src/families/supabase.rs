//! Names of Supabase's metrics endpoint, for its dashboard. Some break the rules of naming (`_mb`), so that they are
//! served on demand only.

use super::{Source, counter, gauge};

const DATABASE: &[(&str, &str)] = &[("datid", "database_id"), ("datname", "database")];

pub(super) const SOURCES: &[Source] = &[
    Source {
        collector: "databases",
        labels: DATABASE,
        other: "datname",
        metrics: &[
            gauge(
                "backends",
                "pg_stat_database_num_backends",
                "Sessions connected to the database.",
            ),
            counter(
                "commits",
                "pg_stat_database_xact_commit_total",
                "Transactions that were committed.",
            ),
            counter(
                "rollbacks",
                "pg_stat_database_xact_rollback_total",
                "Transactions that were rolled back.",
            ),
            counter(
                "blocks_read",
                "pg_stat_database_blks_read_total",
                "Blocks read from outside shared buffers.",
            ),
            counter(
                "blocks_hit",
                "pg_stat_database_blks_hit_total",
                "Blocks found in shared buffers.",
            ),
            counter(
                "rows_returned",
                "pg_stat_database_tup_returned_total",
                "Rows read by scans.",
            ),
            counter(
                "rows_fetched",
                "pg_stat_database_tup_fetched_total",
                "Rows fetched by index scans.",
            ),
            counter(
                "rows_inserted",
                "pg_stat_database_tup_inserted_total",
                "Rows inserted.",
            ),
            counter(
                "rows_updated",
                "pg_stat_database_tup_updated_total",
                "Rows updated.",
            ),
            counter(
                "rows_deleted",
                "pg_stat_database_tup_deleted_total",
                "Rows deleted.",
            ),
            counter(
                "conflicts",
                "pg_stat_database_conflicts_total",
                "Queries canceled by conflicts with recovery.",
            ),
            counter(
                "temp_files",
                "pg_stat_database_temp_files_total",
                "Temporary files written.",
            ),
            counter(
                "temp_bytes",
                "pg_stat_database_temp_bytes_total",
                "Bytes written to temporary files.",
            ),
            counter("deadlocks", "pg_stat_database_deadlocks_total", "Deadlocks."),
            gauge(
                super::SINCE,
                "pg_stat_database_most_recent_reset",
                "When the statistics were reset, in seconds since 1970.",
            )
            .per(1e6)
            .alone(),
        ],
    },
    Source {
        collector: "database_conflicts",
        labels: DATABASE,
        other: "datname",
        metrics: &[
            counter(
                "tablespace",
                "pg_stat_database_conflicts_confl_tablespace_total",
                "Queries canceled because a tablespace was dropped.",
            ),
            counter(
                "lock",
                "pg_stat_database_conflicts_confl_lock_total",
                "Queries canceled by lock timeouts.",
            ),
            counter(
                "snapshot",
                "pg_stat_database_conflicts_confl_snapshot_total",
                "Queries canceled by old snapshots.",
            ),
            counter(
                "buffer_pin",
                "pg_stat_database_conflicts_confl_bufferpin_total",
                "Queries canceled by pinned buffers.",
            ),
            counter(
                "deadlock",
                "pg_stat_database_conflicts_confl_deadlock_total",
                "Queries canceled by deadlocks.",
            ),
        ],
    },
    Source {
        collector: "database_sizes",
        labels: &[("datname", "database")],
        other: "datname",
        metrics: &[gauge(
            "size_bytes",
            "pg_database_size_mb",
            "The size of the database on disk, in MiB.",
        )
        .per(1_048_576.0)],
    },
    Source {
        collector: "wal_directory",
        labels: &[],
        other: "",
        metrics: &[gauge(
            "bytes",
            "pg_wal_size_mb",
            "The size of the write-ahead log on disk, in MiB.",
        )
        .per(1_048_576.0)],
    },
    Source {
        collector: "replication_lag",
        labels: &[],
        other: "",
        metrics: &[gauge(
            "is_replica",
            "pg_status_in_recovery",
            "Whether the server is a replica.",
        )],
    },
    Source {
        collector: "archive_queue",
        labels: &[],
        other: "",
        metrics: &[gauge(
            "pending",
            "pg_ls_archive_statusdir_wal_pending_count",
            "Segments that wait for being archived.",
        )],
    },
];
