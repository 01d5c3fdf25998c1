//! What `postgres_exporter` and the dashboards made for it know is there, under the same names and labels.
//!
//! This is the one place where every deliberate exception stands, with its reason.

use std::collections::{BTreeMap, BTreeSet};

use integration_tests::{Server, test_versions};

use crate::page::Page;
use crate::{Collected, promtool};

/// Every name of `postgres_exporter` 0.20: collector, name, type, labels.
const METRICS: &str = include_str!("../../fixtures/postgres_exporter/metrics.tsv");

/// The names that well-known dashboards and alerts ask for: name, where.
const DASHBOARDS: &str = include_str!("../../fixtures/dashboards.tsv");

const SETTINGS: [(u32, &str); 6] = [
    (
        13,
        include_str!("../../fixtures/postgres_exporter/settings_13.txt"),
    ),
    (
        14,
        include_str!("../../fixtures/postgres_exporter/settings_14.txt"),
    ),
    (
        15,
        include_str!("../../fixtures/postgres_exporter/settings_15.txt"),
    ),
    (
        16,
        include_str!("../../fixtures/postgres_exporter/settings_16.txt"),
    ),
    (
        17,
        include_str!("../../fixtures/postgres_exporter/settings_17.txt"),
    ),
    (
        18,
        include_str!("../../fixtures/postgres_exporter/settings_18.txt"),
    ),
];

/// Names that are not served, or not always, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "pg_replication_slots_pg_xlog_location_diff",
        "only before PostgreSQL 10",
    ),
    (
        "pg_stat_replication_pg_xlog_location_diff",
        "only before PostgreSQL 10",
    ),
    ("pg_stat_replication_", "only while something receives WAL"),
    ("pg_stat_wal_receiver_", "only on a replica"),
    ("pg_replication_last_replay_seconds", "only on a replica"),
    ("pg_stat_progress_vacuum_", "only while a vacuum runs"),
    (
        "pg_stat_activity_autovacuum_",
        "only while a worker of autovacuum runs",
    ),
    (
        "pg_replication_slots_slot_confirmed_flush_lsn",
        "only of logical slots",
    ),
    (
        "pg_replication_slots_safe_wal_size_bytes",
        "only where max_slot_wal_keep_size is set",
    ),
    (
        "pg_buffercache_summary_",
        "breaks the rules of naming; pgvitals_buffer_cache_* has it, where the extension is",
    ),
    (
        "pg_process_idle_seconds",
        "a histogram; pgvitals_idle_sessions_* has its buckets",
    ),
    (
        "pg_long_running_transactions_oldest_timestamp_seconds",
        "only while a transaction is open",
    ),
    (
        "pg_stat_checkpointer_restartpoints_",
        "only from PostgreSQL 17 on",
    ),
    (
        "pg_settings_wal_summary_keep_time_seconds",
        "promtool refuses a name with `summary` in it",
    ),
    (
        "pg_settings_transaction_",
        "of the session that asks, and nothing of the server",
    ),
];

/// Names that only newer versions have.
const SINCE: &[(&str, u32)] = &[("pg_stat_database_active_time_seconds_total", 14)];

/// Labels that are not served, and why.
const LABEL_EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "pg_stat_activity_",
        "wait_event",
        "thirty events for each application; pgvitals_waits_sessions has them",
    ),
    ("pg_stat_activity_", "wait_event_type", "as wait_event"),
    ("pg_replication_slots_", "database", "only of logical slots"),
];

/// Names that dashboards ask for and that are not served, and why.
const DASHBOARD_EXCEPTIONS: &[(&str, &str)] = &[
    (
        "process_cpu_seconds_total",
        "of the exporter itself: a component has no process",
    ),
    ("process_resident_memory_bytes", "as above"),
    ("process_virtual_memory_bytes", "as above"),
    ("process_open_fds", "as above"),
    (
        "pg_stat_statements_total_queries",
        "a total over statements that come and go is no counter; sum the calls",
    ),
    ("pg_stat_statements_total_time_seconds", "as above"),
    ("pgbouncer_", "only where a PgBouncer is a target"),
    ("supavisor_", "of Supabase's own pooler"),
    ("supabase_usage_metrics_", "of Supabase's own accounting"),
    ("replication_realtime_", "of Supabase's own replication"),
];

fn is_excepted(name: &str, exceptions: &[(&str, &str)]) -> bool {
    exceptions
        .iter()
        .any(|(excepted, _)| name == *excepted || excepted.ends_with('_') && name.starts_with(excepted))
}

/// A slot, so that there is one to be shown.
async fn with_slot(collected: &Collected, version: u32) -> String {
    let slot = format!("metrics_{version}_{}", std::process::id());
    let create = format!("select pg_catalog.pg_create_physical_replication_slot('{slot}', true)");
    collected.monitored.run(&create).await.unwrap();
    slot
}

fn labels_by_name(page: &Page) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut labels: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for series in &page.series {
        let known = labels.entry(&series.name).or_default();
        known.extend(series.labels.keys().map(String::as_str));
    }
    labels
}

/// What of the exporter's names and labels a page lacks.
fn missing(page: &Page, version: u32) -> Vec<String> {
    let served = labels_by_name(page);
    let mut missing = Vec::new();
    for line in METRICS.lines() {
        let [_, name, _, labels] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let is_newer = SINCE
            .iter()
            .any(|(newer, since)| name == *newer && version < *since);
        let Some(known) = served.get(name) else {
            if !is_newer && !is_excepted(name, EXCEPTIONS) {
                missing.push(name.to_owned());
            }
            continue;
        };
        for label in labels
            .split(',')
            .filter(|label| !label.is_empty() && !known.contains(label))
        {
            let excepted = LABEL_EXCEPTIONS
                .iter()
                .any(|(prefix, excepted, _)| name.starts_with(prefix) && label == *excepted);
            if !excepted {
                missing.push(format!("{name}{{{label}}}"));
            }
        }
    }
    let (_, settings) = SETTINGS.iter().find(|(of, _)| *of == version).unwrap();
    let settings = settings
        .lines()
        .filter(|name| !served.contains_key(name) && !is_excepted(name, EXCEPTIONS));
    missing.extend(settings.map(str::to_owned));
    missing
}

#[tokio::test]
async fn every_name_of_the_exporter_is_there_on_every_version() {
    for version in test_versions() {
        let collected = Collected::on(version, "names", &[]).await;
        let slot = with_slot(&collected, version).await;
        let page = collected.page_after_collecting().await;
        let drop = format!("select pg_catalog.pg_drop_replication_slot('{slot}')");
        collected.monitored.run(&drop).await.unwrap();
        assert_eq!(
            missing(&page, version),
            Vec::<String>::new(),
            "PostgreSQL {version}"
        );
        for singular in ["slot_current_wal_lsn", "slot_is_active", "wal_status"] {
            let name = format!("pg_replication_slot_{singular}");
            assert_eq!(page.all(&name, &[("slot_name", &slot)]).len(), 1, "{name}");
        }
        promtool(&page.text);
        collected.application.stop().await.unwrap();
    }
}

#[tokio::test]
async fn every_name_that_dashboards_ask_for_is_there() {
    let newest = *test_versions().iter().max().unwrap();
    let _server = Server::shared(newest).await.unwrap();
    let variables = [
        ("metrics_supabase", "true"),
        ("metrics_labels", r#"{"supabase_project_ref": "abc"}"#),
    ];
    let collected = Collected::on(newest, "dashboards", &variables).await;
    let page = collected.page_after_collecting().await;
    let names = page.names();
    let asked = DASHBOARDS.lines().filter(|line| !line.starts_with('#'));
    let asked: Vec<(&str, &str)> = asked.map(|line| line.split_once('\t').unwrap()).collect();
    assert!(asked.len() > 60);
    let missing: Vec<_> = asked
        .iter()
        .filter(|(name, _)| !names.contains(name) && !is_excepted(name, DASHBOARD_EXCEPTIONS))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    for series in &page.series {
        assert_eq!(series.labels["supabase_project_ref"], "abc", "{series:?}");
    }
    collected.application.stop().await.unwrap();
}
