//! Replication, seen from both sides, and slots.

use super::{Metric, ONE, Source, gauge, untyped};

const SLOT: &[(&str, &str)] = &[("slot_name", "slot"), ("slot_type", "slot_type")];
const RECEIVER: &[(&str, &str)] = &[
    ("upstream_host", "host"),
    ("slot_name", "slot"),
    ("status", "status"),
];

pub(super) const SOURCES: &[Source] = &[
    Source {
        collector: "replication_lag",
        labels: &[],
        other: "",
        metrics: &[
            gauge(
                "lag_ms",
                "pg_replication_lag_seconds",
                "How far replay is behind, in time; 0 on a primary.",
            )
            .per(1e3)
            .also("pg_replication_lag"),
            gauge(
                "last_replay_ms",
                "pg_replication_last_replay_seconds",
                "The age of the last replayed transaction.",
            )
            .per(1e3),
        ],
    },
    Source {
        collector: "replication",
        labels: &[
            ("application_name", "application"),
            ("client_addr", "client"),
            ("state", "state"),
            ("slot_name", "slot"),
            ("pid", "pid"),
        ],
        other: "application_name",
        metrics: &[
            gauge(
                "current_position_bytes",
                "pg_stat_replication_pg_current_wal_lsn_bytes",
                "The position in the write-ahead log of the sender.",
            )
            .alone(),
            gauge(
                "replay_lag_bytes",
                "pg_stat_replication_pg_wal_lsn_diff",
                "How far the replay of the receiver is behind, in bytes.",
            ),
        ],
    },
    Source {
        collector: "replication_slots",
        labels: &[("slot_name", "slot"), ("database", "database")],
        other: "slot_name",
        metrics: &[
            gauge(
                "active",
                "pg_replication_slots_active",
                "Whether the slot is in use.",
            ),
            gauge(
                "retained_bytes",
                "pg_replication_slots_pg_wal_lsn_diff",
                "The write-ahead log that the slot keeps, in bytes.",
            ),
        ],
    },
    Source {
        collector: "replication_slots",
        labels: SLOT,
        other: "slot_name",
        metrics: &[
            gauge(
                "current_position_bytes",
                "pg_replication_slots_slot_current_wal_lsn",
                "The position in the write-ahead log.",
            )
            .alone()
            .also("pg_replication_slot_slot_current_wal_lsn"),
            gauge(
                "confirmed_position_bytes",
                "pg_replication_slots_slot_confirmed_flush_lsn",
                "The position that the consumer of the slot has confirmed.",
            )
            .alone()
            .also("pg_replication_slot_slot_confirmed_flush_lsn"),
            gauge(
                "active",
                "pg_replication_slots_slot_is_active",
                "Whether the slot is in use.",
            )
            .also("pg_replication_slot_slot_is_active"),
            gauge(
                "safe_wal_bytes",
                "pg_replication_slots_safe_wal_size_bytes",
                "What may be written until the slot is in danger of being lost.",
            )
            .alone()
            .also("pg_replication_slot_safe_wal_size_bytes"),
        ],
    },
    Source {
        collector: "replication_slots",
        labels: &[
            ("slot_name", "slot"),
            ("slot_type", "slot_type"),
            ("wal_status", "wal_status"),
        ],
        other: "",
        metrics: &[gauge(
            ONE,
            "pg_replication_slots_wal_status",
            "Whether what the slot needs is still there, as a label of the constant 1.",
        )
        .alone()
        .also("pg_replication_slot_wal_status")],
    },
    Source {
        collector: "wal_receiver",
        labels: RECEIVER,
        other: "upstream_host",
        metrics: &[
            receiver(
                "start_position_bytes",
                "pg_stat_wal_receiver_receive_start_lsn",
                "The first position that was asked for.",
            ),
            receiver(
                "start_timeline",
                "pg_stat_wal_receiver_receive_start_tli",
                "The first timeline that was asked for.",
            ),
            receiver(
                "flushed_position_bytes",
                "pg_stat_wal_receiver_flushed_lsn",
                "The position received and flushed to disk.",
            ),
            receiver(
                "received_timeline",
                "pg_stat_wal_receiver_received_tli",
                "The timeline that is received.",
            ),
            receiver(
                "message_sent_at_seconds",
                "pg_stat_wal_receiver_last_msg_send_time",
                "When the sender sent its last message, in seconds since 1970.",
            ),
            receiver(
                "message_received_at_seconds",
                "pg_stat_wal_receiver_last_msg_receipt_time",
                "When its last message was received, in seconds since 1970.",
            ),
            receiver(
                "latest_end_position_bytes",
                "pg_stat_wal_receiver_latest_end_lsn",
                "The last position reported to the sender.",
            ),
            receiver(
                "latest_end_at_seconds",
                "pg_stat_wal_receiver_latest_end_time",
                "When a position was last reported, in seconds since 1970.",
            ),
            receiver(
                "#upstream_node",
                "pg_stat_wal_receiver_upstream_node",
                "The number of the node in a slot that repmgr made.",
            ),
        ],
    },
];

/// Positions and times: nothing that could be added, and types that the exporter has wrong in part.
const fn receiver(column: &'static str, name: &'static str, help: &'static str) -> Metric<'static> {
    untyped(column, name, help).alone()
}
