//! The server as a whole: checkpoints, background writer, WAL, locks, transactions.

use super::{ONE, RESET, Source, counter, gauge, untyped};

pub(super) const SOURCES: &[Source] = &[
    Source {
        collector: "background_writer",
        labels: &[],
        other: "",
        metrics: &[
            counter(
                "buffers_clean",
                "pg_stat_bgwriter_buffers_clean_total",
                "Buffers written by the background writer.",
            )
            .also("pg_stat_bgwriter_buffers_clean"),
            counter(
                "maxwritten_clean",
                "pg_stat_bgwriter_maxwritten_clean_total",
                "Times the background writer stopped because it had written too much.",
            )
            .also("pg_stat_bgwriter_maxwritten_clean"),
            counter(
                "buffers_alloc",
                "pg_stat_bgwriter_buffers_alloc_total",
                "Buffers allocated.",
            )
            .also("pg_stat_bgwriter_buffers_alloc"),
            counter("buffers_backend", BACKEND_WRITES.0, BACKEND_WRITES.1)
                .also("pg_stat_bgwriter_buffers_backend"),
            counter("buffers_backend_fsync", BACKEND_SYNCS.0, BACKEND_SYNCS.1)
                .also("pg_stat_bgwriter_buffers_backend_fsync"),
            counter(
                RESET,
                "pg_stat_bgwriter_stats_reset_total",
                "When the statistics were reset, in seconds since 1970.",
            )
            .per(1e6)
            .also("pg_stat_bgwriter_stats_reset"),
        ],
    },
    Source {
        collector: "checkpoints",
        labels: &[],
        other: "",
        metrics: &[
            counter(
                "timed",
                "pg_stat_bgwriter_checkpoints_timed_total",
                "Checkpoints made because it was time.",
            )
            .also("pg_stat_bgwriter_checkpoints_timed"),
            counter(
                "requested",
                "pg_stat_bgwriter_checkpoints_req_total",
                "Checkpoints made on request.",
            )
            .also("pg_stat_bgwriter_checkpoints_req"),
            counter(
                "write_ms",
                "pg_stat_bgwriter_checkpoint_write_time_total",
                "Time spent writing files in checkpoints, in milliseconds.",
            )
            .also("pg_stat_bgwriter_checkpoint_write_time"),
            counter(
                "sync_ms",
                "pg_stat_bgwriter_checkpoint_sync_time_total",
                "Time spent syncing files in checkpoints, in milliseconds.",
            )
            .also("pg_stat_bgwriter_checkpoint_sync_time"),
            counter(
                "buffers_written",
                "pg_stat_bgwriter_buffers_checkpoint_total",
                "Buffers written by checkpoints.",
            )
            .also("pg_stat_bgwriter_buffers_checkpoint"),
            counter(
                "timed",
                "pg_stat_checkpointer_num_timed_total",
                "Checkpoints made because it was time.",
            ),
            counter(
                "requested",
                "pg_stat_checkpointer_num_requested_total",
                "Checkpoints made on request.",
            ),
            counter(
                "restartpoints_timed",
                "pg_stat_checkpointer_restartpoints_timed_total",
                "Restartpoints made because it was time.",
            ),
            counter(
                "restartpoints_requested",
                "pg_stat_checkpointer_restartpoints_req_total",
                "Restartpoints made on request.",
            ),
            counter(
                "restartpoints_done",
                "pg_stat_checkpointer_restartpoints_done_total",
                "Restartpoints completed.",
            ),
            counter(
                "write_ms",
                "pg_stat_checkpointer_write_time_total",
                "Time spent writing files in checkpoints, in milliseconds.",
            ),
            counter(
                "sync_ms",
                "pg_stat_checkpointer_sync_time_total",
                "Time spent syncing files in checkpoints, in milliseconds.",
            ),
            counter(
                "buffers_written",
                "pg_stat_checkpointer_buffers_written_total",
                "Buffers written by checkpoints.",
            ),
            counter(
                RESET,
                "pg_stat_checkpointer_stats_reset_total",
                "When the statistics were reset, in seconds since 1970.",
            )
            .per(1e6),
        ],
    },
    Source {
        collector: "archiver",
        labels: &[],
        other: "",
        metrics: &[
            untyped(
                "archived",
                "pg_stat_archiver_archived_count",
                "Segments that were archived.",
            ),
            untyped(
                "failed",
                "pg_stat_archiver_failed_count",
                "Attempts to archive that failed.",
            ),
        ],
    },
    Source {
        collector: "wal",
        labels: &[],
        other: "",
        metrics: &[gauge(
            "position_bytes",
            "pg_xlog_location_bytes",
            "The position in the write-ahead log.",
        )],
    },
    Source {
        collector: "wal_directory",
        labels: &[],
        other: "",
        metrics: &[
            gauge(
                "segments",
                "pg_wal_segments",
                "Segments of the write-ahead log on disk.",
            ),
            gauge(
                "bytes",
                "pg_wal_size_bytes",
                "The size of the write-ahead log on disk.",
            ),
        ],
    },
    Source {
        collector: "locks",
        labels: &[("datname", "database"), ("mode", "mode")],
        other: "datname",
        metrics: &[untyped(
            "granted+waiting",
            "pg_locks_count",
            "Locks that are held or waited for, by mode.",
        )],
    },
    Source {
        collector: "roles",
        labels: &[("rolname", "role")],
        other: "rolname",
        metrics: &[gauge(
            "connection_limit",
            "pg_roles_connection_limit",
            "Connections the role may have; -1 for no limit.",
        )
        .alone()
        .or(-1.0)],
    },
    Source {
        collector: "long_transactions",
        labels: &[],
        other: "",
        metrics: &[
            gauge(
                "transactions",
                "pg_long_running_transactions",
                "Transactions that are open.",
            ),
            gauge(
                "oldest_ms",
                "pg_long_running_transactions_oldest_timestamp_seconds",
                "The age of the oldest open transaction.",
            )
            .per(1e3),
        ],
    },
    Source {
        collector: "autovacuum_workers",
        labels: &[("datname", "database"), ("relname", "relation")],
        other: "relname",
        metrics: &[gauge(
            "started_at_seconds",
            "pg_stat_activity_autovacuum_timestamp_seconds",
            "When the worker of autovacuum began, in seconds since 1970.",
        )
        .alone()],
    },
    Source {
        collector: "vacuum_progress",
        labels: &[
            ("datname", "database"),
            ("relname", "relation_name"),
            ("phase", "phase"),
        ],
        other: "",
        metrics: &[gauge(
            ONE,
            "pg_stat_progress_vacuum_phase",
            "The phase of a running vacuum, as a label of the constant 1.",
        )
        .alone()],
    },
    Source {
        collector: "vacuum_progress",
        labels: &[("datname", "database"), ("relname", "relation_name")],
        other: "relname",
        metrics: &[
            gauge(
                "heap_blocks",
                "pg_stat_progress_vacuum_heap_blks",
                "Blocks of the table.",
            ),
            gauge(
                "heap_blocks_scanned",
                "pg_stat_progress_vacuum_heap_blks_scanned",
                "Blocks of the table that were scanned.",
            ),
            gauge(
                "heap_blocks_vacuumed",
                "pg_stat_progress_vacuum_heap_blks_vacuumed",
                "Blocks of the table that were vacuumed.",
            ),
            gauge(
                "index_vacuums",
                "pg_stat_progress_vacuum_index_vacuums",
                "Passes over the indexes that were completed.",
            ),
            gauge(
                "max_dead_tuples",
                "pg_stat_progress_vacuum_max_dead_tuples",
                "Dead rows that fit into memory.",
            ),
            gauge(
                "dead_tuples",
                "pg_stat_progress_vacuum_num_dead_tuples",
                "Dead rows found since the last pass over the indexes.",
            ),
        ],
    },
];

/// What sessions wrote themselves. PostgreSQL 17 moved it to `pg_stat_io`, where [`crate::extras`] adds it up.
pub(crate) const BACKEND_WRITES: (&str, &str) = (
    "pg_stat_bgwriter_buffers_backend_total",
    "Buffers written by sessions themselves; from PostgreSQL 17 on as pg_stat_io counts them, in writes.",
);

/// How often sessions had to sync a file themselves; from PostgreSQL 17 on as well from `pg_stat_io`.
pub(crate) const BACKEND_SYNCS: (&str, &str) = (
    "pg_stat_bgwriter_buffers_backend_fsync_total",
    "Files synced by sessions themselves; from PostgreSQL 17 on as pg_stat_io counts them.",
);
