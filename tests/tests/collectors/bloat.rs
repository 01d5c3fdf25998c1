//! Bloat: estimated where the login may see the statistics of the columns, measured where the extension is, and never
//! told where it is not known.

use integration_tests::test_versions;
use store::collectors::UnfitKind;
use store::logins::Login;

use crate::reading::{Refusal, Row, read, try_read};
use crate::watched::Watched;

/// How far the share of bloat may be off: in thousandths.
const TOLERANCE: i64 = 50;

async fn bloated(watched: &Watched, collector: &str, kind: &str, name: &str) -> Row {
    let reading = read(&watched.monitor, collector).await;
    reading.row(&[(kind, name)]).clone()
}

/// Tables of some megabytes: one without a gap, and one of which three fifths were deleted.
async fn fill(watched: &Watched) {
    let columns = "(id int8, at timestamptz, note text, extra int4) with (autovacuum_enabled = false)";
    let rows = "select n, now(), 'note ' || repeat('x', n % 60), nullif(n % 3, 0) from generate_series(1, 60000) as n";
    watched
        .run(&[
            // What is not flushed yet cannot be marked as all visible.
            "set synchronous_commit = on",
            &format!("create table tight {columns}"),
            &format!("create table loose {columns}"),
            &format!("insert into tight {rows}"),
            &format!("insert into loose {rows}"),
            "delete from loose where id % 5 < 3",
            "vacuum analyze",
            "create extension pgstattuple",
        ])
        .await;
}

#[tokio::test]
async fn the_estimate_of_a_table_is_near_what_pgstattuple_finds() {
    for version in test_versions() {
        let watched = Watched::database(version, "table_bloat").await;
        fill(&watched).await;
        let grant = format!(
            "grant select on all tables in schema public to {}",
            Login::Collector.role()
        );
        watched.run(&[&grant]).await;
        for name in ["tight", "loose"] {
            let truth = format!(
                "select ((dead_tuple_len + free_space) * 1000 / table_len)::int8 from pgstattuple('{name}')"
            );
            let truth = watched.number(&truth).await;
            let row = bloated(&watched, "table_bloat", "table", name).await;
            assert_eq!(row.text("unknown_because"), None);
            let estimate = row.number("bloat_permille").unwrap();
            assert!(
                (estimate - truth).abs() <= TOLERANCE,
                "{name} has {truth} thousandths of bloat and is taken to have {estimate}, on {version}"
            );
            let size = watched
                .number(&format!("select pg_relation_size('{name}')"))
                .await;
            assert_eq!(row.number("table_bytes"), Some(size));
            let bytes = row.number("bloat_bytes").unwrap();
            assert!((bytes * 1000 / size - estimate).abs() <= 1, "{bytes} of {size}");

            let measured = bloated(&watched, "table_bloat_measured", "table", name).await;
            let measured = measured.number("bloat_permille").unwrap();
            assert!(
                (measured - truth).abs() <= TOLERANCE,
                "{name} has {truth} thousandths of bloat and was measured to have {measured}, on {version}"
            );
        }
        let loose = bloated(&watched, "table_bloat", "table", "loose").await;
        assert!(loose.number("bloat_permille").unwrap() > 500, "on {version}");
    }
}

#[tokio::test]
async fn what_the_login_may_not_see_is_not_known() {
    for version in test_versions() {
        let watched = Watched::database(version, "hidden_bloat").await;
        fill(&watched).await;
        watched
            .run(&[
                "create index loose_id on loose (id) with (fillfactor = 30)",
                "create table unread (id int8) with (autovacuum_enabled = false)",
                "insert into unread select generate_series(1, 60000)",
            ])
            .await;
        watched
            .until("select n_live_tup = 60000 from pg_stat_user_tables where relname = 'unread'")
            .await;
        for (collector, kind, name) in [
            ("table_bloat", "table", "loose"),
            ("index_bloat", "index", "loose_id"),
        ] {
            let row = bloated(&watched, collector, kind, name).await;
            assert_eq!(row.number("bloat_bytes"), None, "{collector} on {version}");
            assert_eq!(row.number("bloat_permille"), None, "{collector} on {version}");
            assert_eq!(
                row.text("unknown_because"),
                Some("missing_privilege: select"),
                "{collector} on {version}"
            );
        }
        let grant = format!(
            "grant select on all tables in schema public to {}",
            Login::Collector.role()
        );
        watched
            .run(&[&grant, "alter table loose enable row level security"])
            .await;
        let row = bloated(&watched, "table_bloat", "table", "loose").await;
        assert_eq!(row.number("bloat_permille"), None);
        assert_eq!(row.text("unknown_because"), Some("row_level_security"));
        let row = bloated(&watched, "table_bloat", "table", "unread").await;
        assert_eq!(row.number("bloat_permille"), None);
        assert_eq!(row.text("unknown_because"), Some("not_analyzed"), "on {version}");
    }
}

#[tokio::test]
async fn the_estimate_of_an_index_is_near_what_a_rebuild_leaves() {
    for version in test_versions() {
        let watched = Watched::database(version, "index_bloat").await;
        watched
            .run(&[
                "create table indexed (id int8, kind int4, name text, part int8) with (autovacuum_enabled = false)",
                "create unique index indexed_id on indexed (id)",
                "create index indexed_kind on indexed (kind)",
                "create index indexed_name on indexed (name)",
                "create index indexed_both on indexed (kind, part) with (fillfactor = 70)",
                "create index indexed_amount on indexed ((part::numeric))",
                "insert into indexed select n, n % 20, 'name ' || n % 60000, n % 3 \
                 from generate_series(1, 300000) as n order by random()",
                "delete from indexed where id % 5 < 3",
                "vacuum analyze indexed",
                &format!("grant select on indexed to {}", Login::Collector.role()),
            ])
            .await;
        let names = ["indexed_id", "indexed_kind", "indexed_name", "indexed_both"];
        let before = read(&watched.monitor, "index_bloat").await;
        watched.run(&["reindex table indexed"]).await;
        for name in names {
            let row = before.row(&[("index", name)]);
            let size = row.number("index_bytes").unwrap();
            let needed = size - row.number("bloat_bytes").unwrap();
            let rebuilt = watched
                .number(&format!("select pg_relation_size('{name}')"))
                .await;
            assert!(
                size * 10 > rebuilt * 15,
                "{name} is bloated: {size} of {rebuilt}, on {version}"
            );
            let off = (needed - rebuilt).abs() * 100 / rebuilt;
            assert!(
                off <= 20,
                "{name} needs {rebuilt} bytes and is taken to need {needed}, {off} % off, on {version}"
            );
        }
        // What an expression looks like is shown to its owner only.
        let expression = before.row(&[("index", "indexed_amount")]);
        assert_eq!(expression.number("bloat_bytes"), None);
        assert_eq!(
            expression.text("unknown_because"),
            Some("expression"),
            "on {version}"
        );
    }
}

#[tokio::test]
async fn measuring_needs_the_extension_and_the_role() {
    for version in test_versions() {
        let watched = Watched::database(version, "measured_bloat").await;
        fill(&watched).await;
        let refused = try_read(&watched.plain().await, "table_bloat_measured").await;
        assert_eq!(
            refused.unwrap_err(),
            Refusal::Unfit(UnfitKind::MissingPrivilege),
            "on {version}"
        );
        let loose = bloated(&watched, "table_bloat_measured", "table", "loose").await;
        let size = watched.number("select pg_relation_size('loose')").await;
        assert_eq!(loose.number("table_bytes"), Some(size));
        // Vacuum has left no page to be read.
        assert_eq!(loose.number("read_permille"), Some(0), "on {version}");
        watched.run(&["delete from tight where id % 2 = 0"]).await;
        let tight = bloated(&watched, "table_bloat_measured", "table", "tight").await;
        assert_eq!(tight.number("dead_rows"), Some(30_000), "on {version}");
        assert_eq!(tight.number("live_rows"), Some(30_000));
        assert_eq!(tight.number("read_permille"), Some(1000));
    }
}
