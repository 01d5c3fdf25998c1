//! What is served is what the catalogs say.

use integration_tests::monitored::{COLLECTOR_PASSWORD, TARGET};
use integration_tests::test_versions;

use crate::page::Page;
use crate::{Collected, STATEMENT, promtool};

#[tokio::test]
async fn what_is_served_is_what_the_catalogs_say() {
    for version in test_versions() {
        let collected = Collected::on(version, "values", &[]).await;
        let page = settled(&collected).await;
        target(&page, version);
        settings(&collected, &page).await;
        table(&collected, &page).await;
        server(&collected, &page).await;
        statement(&page);
        assert!(!page.text.contains(COLLECTOR_PASSWORD));
        promtool(&page.text);
        collected.application.stop().await.unwrap();
    }
}

/// Sessions tell the server what they did only now and then, so that the counters may come a moment later.
async fn settled(collected: &Collected) -> Page {
    let goods = [("relname", "goods")];
    for _ in 0..40 {
        let page = collected.page_after_collecting().await;
        if page.sum("pg_stat_user_tables_n_tup_del", &goods) > 0.0 {
            return page;
        }
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    }
    panic!("the rows that were deleted are not counted");
}

fn target(page: &Page, version: u32) {
    let target = [("target", TARGET)];
    assert_eq!(page.value("pg_up", &target), 1.0);
    assert_eq!(page.value("pg_exporter_last_scrape_error", &target), 0.0);
    assert!(page.value("pg_exporter_last_scrape_duration_seconds", &target) > 0.0);
    assert_eq!(page.value("pg_replication_is_replica", &target), 0.0);
    let versions = page.all("pg_static", &target);
    assert!(
        versions[0].labels["short_version"].starts_with(&format!("{version}.")),
        "{versions:?}"
    );
    assert_eq!(page.value("pgvitals_refused_series", &[]), 0.0);
    let function = [("function", "collect-stats")];
    assert_eq!(page.value("pgvitals_function_failed", &function), 0.0);
    for name in ["pgvitals_collector_success", "pg_scrape_collector_success"] {
        assert_eq!(page.value(name, &[("collector", "statements")]), 1.0);
    }
    let age = page.value("pgvitals_reading_age_seconds", &[("collector", "tables")]);
    assert!((0.0..60.0).contains(&age), "{age}");
}

async fn settings(collected: &Collected, page: &Page) {
    for (name, sql) in [
        (
            "pg_settings_max_connections",
            "select current_setting('max_connections')::int8",
        ),
        (
            "pg_settings_shared_buffers_bytes",
            "select pg_size_bytes(current_setting('shared_buffers'))::int8",
        ),
        (
            "pg_settings_deadlock_timeout_seconds",
            "select extract(epoch from current_setting('deadlock_timeout')::interval)::int8",
        ),
        (
            "pg_settings_autovacuum",
            "select 1::int8 where current_setting('autovacuum') = 'on'",
        ),
        (
            "pg_settings_log_min_duration_statement_seconds",
            "select current_setting('log_min_duration_statement')::int8",
        ),
    ] {
        assert_eq!(page.value(name, &[]), collected.number(sql).await, "{name}");
    }
}

async fn table(collected: &Collected, page: &Page) {
    let goods = [
        ("target", TARGET),
        ("datname", collected.database.name()),
        ("schemaname", "public"),
        ("relname", "goods"),
    ];
    for (name, column) in [
        ("pg_stat_user_tables_n_tup_ins", "n_tup_ins"),
        ("pg_stat_user_tables_n_tup_upd", "n_tup_upd"),
        ("pg_stat_user_tables_n_tup_del", "n_tup_del"),
        ("pg_stat_user_tables_seq_scan", "seq_scan"),
        ("pg_stat_user_tables_vacuum_count", "vacuum_count"),
        (
            "pg_stat_user_tables_last_vacuum",
            "extract(epoch from last_vacuum)",
        ),
        (
            "pg_stat_user_tables_last_autovacuum",
            "coalesce(extract(epoch from last_autovacuum), 0)",
        ),
        ("pg_stat_user_tables_n_live_tup", "n_live_tup"),
    ] {
        let sql =
            format!("select ({column})::int8 from pg_catalog.pg_stat_user_tables where relname = 'goods'");
        assert_eq!(page.value(name, &goods), collected.number(&sql).await, "{name}");
    }
    let size = collected
        .number("select pg_catalog.pg_table_size('goods')::int8")
        .await;
    assert_eq!(page.value("pg_stat_user_tables_table_size_bytes", &goods), size);
    let index = [("schemaname", "public"), ("indexrelname", "goods_pkey")];
    assert!(page.value("pg_statio_user_indexes_idx_blks_hit_total", &index) > 0.0);
    assert!(page.value("pg_statio_user_tables_heap_blocks_hit", &goods) > 0.0);
}

async fn server(collected: &Collected, page: &Page) {
    let name = collected.database.name();
    let database = [("target", TARGET), ("datname", name)];
    let commits =
        format!("select xact_commit::int8 from pg_catalog.pg_stat_database where datname = '{name}'");
    let served = page.value("pg_stat_database_xact_commit", &database);
    assert!(
        served > 0.0 && served <= collected.number(&commits).await,
        "{served}"
    );
    let size = collected
        .number("select pg_catalog.pg_database_size(current_database())::int8")
        .await;
    let served = page.value("pg_database_size_bytes", &database);
    assert!((served - size).abs() < 0.2 * size, "{served} and {size}");
    let modes = page.all("pg_locks_count", &database);
    assert_eq!(modes.len(), 9, "{modes:?}");
    for state in [
        "active",
        "idle",
        "idle in transaction",
        "disabled",
        "fastpath function call",
    ] {
        let states = page.all("pg_stat_activity_count", &[("datname", name), ("state", state)]);
        assert!(!states.is_empty(), "{state}");
    }
    assert!(page.value("pg_stat_bgwriter_buffers_alloc_total", &[]) > 0.0);
    // Whether a checkpoint was asked for, or a session wrote blocks itself, is up to the server.
    for name in ["buffers_alloc", "checkpoints_req", "buffers_backend"] {
        let name = format!("pg_stat_bgwriter_{name}");
        let total = page.value(&format!("{name}_total"), &[]);
        assert_eq!(page.value(&name, &[]), total, "{name}");
    }
    let position = "select pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')::int8";
    let served = page.value("pg_xlog_location_bytes", &[]);
    assert!(served > 0.0 && served <= collected.number(position).await);
}

fn statement(page: &Page) {
    let texts = page
        .series
        .iter()
        .filter(|series| series.name == "pgvitals_statement_info");
    let normalised = STATEMENT.replace("1.5", "$1");
    let info = texts
        .clone()
        .find(|series| series.labels.get("query") == Some(&normalised));
    let info = info.unwrap_or_else(|| panic!("{normalised} is not among {:?}", texts.collect::<Vec<_>>()));
    let labels: Vec<(&str, &str)> = ["queryid", "user", "datname"]
        .into_iter()
        .map(|label| (label, info.labels[label].as_str()))
        .collect();
    assert!(page.value("pg_stat_statements_calls_total", &labels) >= 1.0);
    assert!(page.value("pg_stat_statements_rows_total", &labels) >= 1.0);
}
