//! Tables and indexes.

use super::{DATABASE, Metric, Source, counter, gauge, untyped};

const TABLE: &[(&str, &str)] = &[
    ("datname", DATABASE),
    ("schemaname", "schema"),
    ("relname", "table"),
];

pub(super) const SOURCES: &[Source] = &[
    Source {
        collector: "tables",
        labels: TABLE,
        other: "relname",
        metrics: &[
            untyped(
                "seq_scans",
                "pg_stat_user_tables_seq_scan",
                "Sequential scans of the table.",
            ),
            untyped(
                "seq_rows_read",
                "pg_stat_user_tables_seq_tup_read",
                "Rows read by sequential scans.",
            ),
            untyped(
                "idx_scans",
                "pg_stat_user_tables_idx_scan",
                "Index scans of the table.",
            ),
            untyped(
                "idx_rows_fetched",
                "pg_stat_user_tables_idx_tup_fetch",
                "Rows fetched by index scans.",
            ),
            untyped("rows_inserted", "pg_stat_user_tables_n_tup_ins", "Rows inserted."),
            untyped("rows_updated", "pg_stat_user_tables_n_tup_upd", "Rows updated."),
            untyped("rows_deleted", "pg_stat_user_tables_n_tup_del", "Rows deleted."),
            untyped(
                "rows_hot_updated",
                "pg_stat_user_tables_n_tup_hot_upd",
                "Rows updated without touching an index.",
            ),
            gauge(
                "live_rows",
                "pg_stat_user_tables_n_live_tup",
                "Live rows, as estimated.",
            ),
            gauge(
                "dead_rows",
                "pg_stat_user_tables_n_dead_tup",
                "Dead rows, as estimated.",
            ),
            gauge(
                "modified_since_analyze",
                "pg_stat_user_tables_n_mod_since_analyze",
                "Rows changed since the table was analyzed.",
            ),
            time(
                "last_vacuum_at_seconds",
                "pg_stat_user_tables_last_vacuum",
                "When the table was vacuumed by hand",
            ),
            time(
                "last_autovacuum_at_seconds",
                "pg_stat_user_tables_last_autovacuum",
                "When autovacuum vacuumed the table",
            ),
            time(
                "last_analyze_at_seconds",
                "pg_stat_user_tables_last_analyze",
                "When the table was analyzed by hand",
            ),
            time(
                "last_autoanalyze_at_seconds",
                "pg_stat_user_tables_last_autoanalyze",
                "When autovacuum analyzed the table",
            ),
            untyped(
                "vacuums",
                "pg_stat_user_tables_vacuum_count",
                "Times the table was vacuumed by hand.",
            ),
            untyped(
                "autovacuums",
                "pg_stat_user_tables_autovacuum_count",
                "Times autovacuum vacuumed the table.",
            ),
            untyped(
                "analyzes",
                "pg_stat_user_tables_analyze_count",
                "Times the table was analyzed by hand.",
            ),
            untyped(
                "autoanalyzes",
                "pg_stat_user_tables_autoanalyze_count",
                "Times autovacuum analyzed the table.",
            ),
        ],
    },
    Source {
        collector: "relation_sizes",
        labels: TABLE,
        other: "relname",
        metrics: &[
            gauge(
                "table_bytes",
                "pg_stat_user_tables_table_size_bytes",
                "The size of the table with its TOAST.",
            ),
            gauge(
                "index_bytes",
                "pg_stat_user_tables_index_size_bytes",
                "The size of the indexes of the table.",
            ),
        ],
    },
    Source {
        collector: "table_io",
        labels: TABLE,
        other: "relname",
        metrics: &[
            untyped(
                "heap_blocks_read",
                "pg_statio_user_tables_heap_blocks_read",
                "Blocks of the table read.",
            ),
            untyped(
                "heap_blocks_hit",
                "pg_statio_user_tables_heap_blocks_hit",
                "Blocks of the table found in shared buffers.",
            ),
            untyped(
                "idx_blocks_read",
                "pg_statio_user_tables_idx_blocks_read",
                "Blocks of its indexes read.",
            ),
            untyped(
                "idx_blocks_hit",
                "pg_statio_user_tables_idx_blocks_hit",
                "Blocks of its indexes found in shared buffers.",
            ),
            untyped(
                "toast_blocks_read",
                "pg_statio_user_tables_toast_blocks_read",
                "Blocks of its TOAST read.",
            ),
            untyped(
                "toast_blocks_hit",
                "pg_statio_user_tables_toast_blocks_hit",
                "Blocks of its TOAST found in shared buffers.",
            ),
            untyped(
                "toast_idx_blocks_read",
                "pg_statio_user_tables_tidx_blocks_read",
                "Blocks of the index of its TOAST read.",
            ),
            untyped(
                "toast_idx_blocks_hit",
                "pg_statio_user_tables_tidx_blocks_hit",
                "Blocks of the index of its TOAST found in shared buffers.",
            ),
        ],
    },
    Source {
        collector: "index_io",
        labels: &[
            ("datname", DATABASE),
            ("schemaname", "schema"),
            ("relname", "table"),
            ("indexrelname", "index"),
        ],
        other: "indexrelname",
        metrics: &[
            counter(
                "blocks_read",
                "pg_statio_user_indexes_idx_blks_read_total",
                "Blocks of the index read.",
            ),
            counter(
                "blocks_hit",
                "pg_statio_user_indexes_idx_blks_hit_total",
                "Blocks of the index found in shared buffers.",
            ),
        ],
    },
];

/// A moment, of which there is none for several tables. Where it never came the exporter says 0, and so do we.
const fn time(column: &'static str, name: &'static str, help: &'static str) -> Metric<'static> {
    gauge(column, name, help).alone().or(0.0)
}
