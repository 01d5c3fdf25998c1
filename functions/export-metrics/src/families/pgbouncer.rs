//! PgBouncer, under the names of `pgbouncer_exporter`. The counters of a database are known as `pgbouncer_stats_*` and as
//! `pgbouncer_stats_totals_*`, by different releases of it and the dashboards made for them. Both are served.

use super::{Metric, Source, counter, gauge};

const DATABASE: &[(&str, &str)] = &[("database", "database")];
const POOL: &[(&str, &str)] = &[("database", "database"), ("user", "user")];
const CONFIGURED: &[(&str, &str)] = &[
    ("name", "name"),
    ("host", "host"),
    ("port", "port"),
    ("database", "database"),
    ("force_user", "force_user"),
    ("pool_mode", "pool_mode"),
];

/// Microseconds in a second, in which PgBouncer counts times.
const MICROSECONDS: f64 = 1e6;

/// The counters of a database under one of the prefixes.
macro_rules! counters {
    ($prefix:literal) => {
        &[
            counter(
                "total_xact_count",
                concat!($prefix, "sql_transactions_pooled_total"),
                "Transactions pooled.",
            ),
            counter(
                "total_query_count",
                concat!($prefix, "queries_pooled_total"),
                "Queries pooled.",
            ),
            counter(
                "total_received",
                concat!($prefix, "received_bytes_total"),
                "Bytes received from clients.",
            ),
            counter(
                "total_sent",
                concat!($prefix, "sent_bytes_total"),
                "Bytes sent to clients.",
            ),
            counter(
                "total_xact_time",
                concat!($prefix, "server_in_transaction_seconds_total"),
                "Time spent in transactions, idle or at work.",
            )
            .per(MICROSECONDS),
            counter(
                "total_query_time",
                concat!($prefix, "queries_duration_seconds_total"),
                "Time spent at work for queries.",
            )
            .per(MICROSECONDS),
            counter(
                "total_wait_time",
                concat!($prefix, "client_wait_seconds_total"),
                "Time that clients waited for a server connection.",
            )
            .per(MICROSECONDS),
            counter(
                "total_server_assignment_count",
                concat!($prefix, "server_assignments_total"),
                "How often a server connection was given to a client.",
            ),
            counter(
                "total_client_parse_count",
                concat!($prefix, "client_parses_total"),
                "Statements that clients prepared.",
            ),
            counter(
                "total_server_parse_count",
                concat!($prefix, "server_parses_total"),
                "Statements that were prepared on servers.",
            ),
            counter(
                "total_bind_count",
                concat!($prefix, "binds_total"),
                "Prepared statements that were run.",
            ),
        ]
    };
}

const STATS: &[Metric<'static>] = counters!("pgbouncer_stats_");
const TOTALS: &[Metric<'static>] = counters!("pgbouncer_stats_totals_");

pub(super) const SOURCES: &[Source] = &[
    Source {
        collector: "pgbouncer_stats",
        labels: DATABASE,
        other: "database",
        metrics: STATS,
    },
    Source {
        collector: "pgbouncer_stats",
        labels: DATABASE,
        other: "database",
        metrics: TOTALS,
    },
    Source {
        collector: "pgbouncer_pools",
        labels: POOL,
        other: "database",
        metrics: &[
            gauge(
                "cl_active",
                "pgbouncer_pools_client_active_connections",
                "Clients that have a server connection, or need none at the moment.",
            ),
            gauge(
                "cl_waiting",
                "pgbouncer_pools_client_waiting_connections",
                "Clients that wait for a server connection.",
            ),
            gauge(
                "cl_active_cancel_req",
                "pgbouncer_pools_client_active_cancel_connections",
                "Clients whose cancellation was passed on.",
            ),
            gauge(
                "cl_waiting_cancel_req",
                "pgbouncer_pools_client_waiting_cancel_connections",
                "Clients whose cancellation was not passed on yet.",
            ),
            gauge(
                "sv_active",
                "pgbouncer_pools_server_active_connections",
                "Server connections that a client has.",
            ),
            gauge(
                "sv_active_cancel",
                "pgbouncer_pools_server_active_cancel_connections",
                "Server connections that pass on a cancellation.",
            ),
            gauge(
                "sv_being_canceled",
                "pgbouncer_pools_server_being_canceled_connections",
                "Server connections that wait for cancellations to end.",
            ),
            gauge(
                "sv_idle",
                "pgbouncer_pools_server_idle_connections",
                "Server connections ready for a client.",
            ),
            gauge(
                "sv_used",
                "pgbouncer_pools_server_used_connections",
                "Server connections that are to be checked before a client gets them.",
            ),
            gauge(
                "sv_tested",
                "pgbouncer_pools_server_testing_connections",
                "Server connections that are being reset or checked.",
            ),
            gauge(
                "sv_login",
                "pgbouncer_pools_server_login_connections",
                "Server connections that are logging in.",
            ),
        ],
    },
    Source {
        collector: "pgbouncer_databases",
        labels: CONFIGURED,
        other: "name",
        metrics: &[
            gauge(
                "pool_size",
                "pgbouncer_databases_pool_size",
                "Most server connections of a pool.",
            ),
            gauge(
                "reserve_pool+reserve_pool_size",
                "pgbouncer_databases_reserve_pool",
                "Server connections that a pool may have beyond that.",
            ),
            gauge(
                "max_connections",
                "pgbouncer_databases_max_connections",
                "Most server connections of the database.",
            ),
            gauge(
                "current_connections",
                "pgbouncer_databases_current_connections",
                "Server connections of the database.",
            ),
            gauge(
                "paused",
                "pgbouncer_databases_paused",
                "Whether the database is paused.",
            ),
            gauge(
                "disabled",
                "pgbouncer_databases_disabled",
                "Whether the database is disabled.",
            ),
        ],
    },
];

/// The names of the lists whose series are not called like them.
pub(crate) const LISTS: [(&str, &str); 3] = [
    ("dns_names", "cached_dns_names"),
    ("dns_zones", "cached_dns_zones"),
    ("dns_queries", "in_flight_dns_queries"),
];

/// The settings that are exposed, and the ends of their names.
pub(crate) const SETTINGS: [(&str, &str, &str); 2] = [
    (
        "max_client_conn",
        "max_client_connections",
        "Most clients at a time.",
    ),
    (
        "max_user_connections",
        "max_user_connections",
        "Most server connections of a user; 0 for no limit.",
    ),
];
