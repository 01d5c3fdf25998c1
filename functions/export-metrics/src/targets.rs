//! The targets and their connections.

use anyhow::Result;
use db::Client;
use store::collectors::TargetKind;
use store::exposition::{self, ActivityMetrics, TargetMetrics};
use vitals::server::ServerVersion;

use crate::page::{Page, flag, float};

/// Adds what is known of every target. `has` tells whether a collector was read from a target: what says more takes the
/// place of the few numbers of the collector `activity`.
pub(crate) async fn add(
    page: &mut Page,
    client: &impl Client,
    has: &dyn Fn(&str, &str) -> bool,
) -> Result<()> {
    for target in exposition::targets(client).await? {
        add_target(page, &target);
    }
    for activity in exposition::activity(client).await? {
        add_activity(page, &activity, has);
    }
    Ok(())
}

fn add_target(page: &mut Page, target: &TargetMetrics) {
    match target.kind {
        TargetKind::Postgres => add_server(page, target),
        TargetKind::PgBouncer => add_pgbouncer(page, target),
    }
    if let Some(age) = target.success_age_seconds {
        page.gauge(
            "pgvitals_collection_age_seconds",
            "How long ago the target was last collected from.",
            &[("target", &target.target)],
            age,
        );
    }
}

fn add_server(page: &mut Page, target: &TargetMetrics) {
    let labels = [("target", target.target.as_str())];
    add_up(page, "pg_up", "pg_exporter_last_scrape_error", target);
    if let Some(version) = version(target) {
        let version = ServerVersion::from_number(version).to_string();
        let (long, short) = (format!("PostgreSQL {version}"), format!("{version}.0"));
        let labels = [
            labels[0],
            ("version", long.as_str()),
            ("short_version", short.as_str()),
        ];
        page.untyped(
            "pg_static",
            "The version of the server, as a label of the constant 1.",
            &labels,
            1.0,
        );
    }
    if let Some(started_at) = target.server_started_at {
        page.gauge(
            "pg_postmaster_start_time_seconds",
            "When the server was started, in seconds since 1970.",
            &labels,
            float(started_at.timestamp_micros()) / 1e6,
        );
    }
    if let Some(in_recovery) = target.in_recovery {
        page.gauge(
            "pg_replication_is_replica",
            "Whether the server is a replica.",
            &labels,
            flag(in_recovery),
        );
    }
}

fn add_pgbouncer(page: &mut Page, target: &TargetMetrics) {
    add_up(
        page,
        "pgbouncer_up",
        "pgbouncer_exporter_last_scrape_error",
        target,
    );
    if let Some(version) = version(target) {
        let version = ServerVersion::from_number(version).to_string();
        page.gauge(
            "pgbouncer_version_info",
            "The version of the PgBouncer, as a label of the constant 1.",
            &[("target", &target.target), ("version", &version)],
            1.0,
        );
    }
}

/// Whether the target answered, under the two names that exporters have for it.
fn add_up(page: &mut Page, up: &str, error: &str, target: &TargetMetrics) {
    let labels = [("target", target.target.as_str())];
    let answered = target.up.unwrap_or(false);
    page.gauge(
        up,
        "Whether the target answered the last collection.",
        &labels,
        flag(answered),
    );
    page.gauge(
        error,
        "Whether the target did not answer the last collection.",
        &labels,
        flag(!answered),
    );
}

fn version(target: &TargetMetrics) -> Option<i32> {
    target.version.and_then(|number| i32::try_from(number).ok())
}

fn add_activity(page: &mut Page, activity: &ActivityMetrics, has: &dyn Fn(&str, &str) -> bool) {
    let target = activity.target.as_str();
    let sample = &activity.sample;
    let states = [
        ("active", sample.active),
        ("idle", sample.idle),
        ("idle in transaction", sample.idle_in_transaction),
        (
            "idle in transaction (aborted)",
            sample.idle_in_transaction_aborted,
        ),
    ];
    let states = states.iter().filter(|_| !has(target, "connections"));
    for (state, count) in states {
        page.untyped(
            "pg_stat_activity_count",
            "Sessions by state.",
            &[("target", target), ("state", state)],
            float(*count),
        );
    }
    let labels = [("target", target)];
    if !has(target, "settings") {
        page.gauge(
            "pg_settings_max_connections",
            "Server parameter max_connections.",
            &labels,
            float(sample.max_connections),
        );
    }
    let gauges = [
        (
            "pgvitals_reserved_connections",
            "Connections kept for superusers and reserved roles.",
            sample.reserved_connections,
        ),
        (
            "pgvitals_connections",
            "Client connections, in any state.",
            sample.connections,
        ),
        (
            "pgvitals_connections_waiting_on_lock",
            "Client connections that wait for a lock.",
            sample.waiting_on_lock,
        ),
    ];
    for (name, help, count) in gauges {
        page.gauge(name, help, &labels, float(count));
    }
    let ages = [
        (
            "pgvitals_longest_transaction_seconds",
            "The age of the oldest transaction of a client.",
            sample.longest_transaction_ms,
        ),
        (
            "pgvitals_longest_statement_seconds",
            "The age of the oldest running statement of a client.",
            sample.longest_statement_ms,
        ),
        (
            "pgvitals_oldest_idle_in_transaction_seconds",
            "For how long a client has held a transaction open without doing anything.",
            sample.oldest_idle_in_transaction_ms,
        ),
    ];
    for (name, help, milliseconds) in ages {
        page.gauge(name, help, &labels, float(milliseconds) / 1000.0);
    }
}
