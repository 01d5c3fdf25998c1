//! What holds for every collector that reads a database: it works with nothing but `pg_monitor`, and it waits for nobody.

use std::time::Duration;

use integration_tests::test_versions;
use store::collectors::{ALL, Scope, TargetKind, find};
use store::logins::Login;

use crate::reading::{read, versions};
use crate::watched::Watched;

/// The collectors that every target reads for its own database.
fn collectors() -> Vec<&'static str> {
    let of_the_database = ALL.iter().filter(|collector| {
        collector.target == TargetKind::Postgres
            && collector.scope == Scope::Database
            && collector.interval.is_some()
    });
    let names: Vec<&str> = of_the_database.map(|collector| collector.name).collect();
    assert!(names.len() >= 16, "{names:?}");
    names
}

/// Tables and sequences that locks can be held on, with something of everything that a collector could open.
const OBJECTS: [&str; 8] = [
    "create extension pgstattuple",
    "create table held (id serial primary key, note text, amount int) with (autovacuum_enabled = false)",
    "create index held_lower on held (lower(note)) where amount > 0",
    "create index held_lower_again on held (lower(note)) where amount > 0",
    "insert into held (note, amount) select repeat('x', 100), n from generate_series(1, 20000) as n",
    "create table free as table held",
    "create sequence numbers",
    "vacuum analyze",
];

async fn prepare(watched: &Watched) {
    watched.run(&OBJECTS).await;
    let collector = Login::Collector.role();
    let grants = [
        format!("grant select on all tables in schema public to {collector}"),
        format!("grant select on all sequences in schema public to {collector}"),
    ];
    watched.run(&grants.each_ref().map(String::as_str)).await;
}

#[tokio::test]
async fn each_is_read_by_the_variant_for_the_version() {
    for version in test_versions() {
        let watched = Watched::database(version, "every").await;
        watched.run(&OBJECTS).await;
        for collector in collectors() {
            let reading = read(&watched.monitor, collector).await;
            let mut variants = find(collector).unwrap().variants.iter();
            let taken = variants.find(|variant| variant.file == reading.file).unwrap();
            assert!(
                versions(taken).contains(&version),
                "{} was taken on {version}",
                reading.file
            );
        }
    }
}

#[tokio::test]
async fn none_waits_behind_a_lock_that_is_held() {
    for version in test_versions() {
        let watched = Watched::database(version, "held").await;
        prepare(&watched).await;
        let holder = watched.session("holder").await;
        holder
            .batch_execute(
                "begin; lock table held in access exclusive mode; alter sequence numbers maxvalue 1000",
            )
            .await
            .unwrap();
        for collector in collectors() {
            // A lock that is waited for fails the reading after the second that it may wait.
            read(&watched.monitor, collector).await;
        }
        let sizes = read(&watched.monitor, "relation_sizes").await;
        let held = sizes.row(&[("table", "held")]);
        for column in ["table_bytes", "toast_bytes", "index_bytes"] {
            assert_eq!(held.number(column), None, "{column} on {version}");
        }
        assert!(sizes.row(&[("table", "free")]).number("table_bytes").unwrap() > 0);
        let definitions = read(&watched.monitor, "index_definitions").await;
        let definition = |index| definitions.row(&[("index", index)]).text("definition");
        assert_eq!(definition("held_lower"), None, "on {version}");
        assert!(definition("held_pkey").is_some(), "on {version}");
        let sequences = read(&watched.monitor, "sequences").await;
        let numbers = sequences.row(&[("sequence", "numbers")]);
        assert_eq!(numbers.text("unknown_because"), Some("locked"), "on {version}");
        assert_eq!(numbers.number("remaining"), None);
        let measured = read(&watched.monitor, "table_bloat_measured").await;
        assert_eq!(measured.one().text("table"), Some("free"), "on {version}");
        // What needs no lock is known all the same.
        let tables = read(&watched.monitor, "tables").await;
        assert_eq!(
            tables.row(&[("table", "held")]).number("estimated_rows"),
            Some(20_000)
        );
        let bloat = read(&watched.monitor, "table_bloat").await;
        assert!(bloat.row(&[("table", "held")]).number("bloat_bytes").is_some());

        holder.batch_execute("rollback").await.unwrap();
        let sizes = read(&watched.monitor, "relation_sizes").await;
        let bytes = watched.number("select pg_table_size('held')").await;
        assert_eq!(sizes.row(&[("table", "held")]).number("table_bytes"), Some(bytes));
    }
}

#[tokio::test]
async fn none_waits_behind_a_lock_that_is_waited_for() {
    for version in test_versions() {
        let watched = Watched::database(version, "awaited").await;
        prepare(&watched).await;
        let reader = watched.session("reader").await;
        reader
            .batch_execute("begin; select count(*) from held")
            .await
            .unwrap();
        let waiter = watched.session("waiter").await;
        let waiting = tokio::spawn(async move { waiter.batch_execute("truncate held").await });
        watched
            .until("select exists (select from pg_locks where not granted and mode = 'AccessExclusiveLock' and relation = 'held'::regclass)")
            .await;
        for collector in collectors() {
            read(&watched.monitor, collector).await;
        }
        let sizes = read(&watched.monitor, "relation_sizes").await;
        assert_eq!(
            sizes.row(&[("table", "held")]).number("table_bytes"),
            None,
            "on {version}"
        );
        reader.batch_execute("commit").await.unwrap();
        tokio::time::timeout(Duration::from_secs(30), waiting)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }
}

#[tokio::test]
async fn none_waits_behind_the_rebuild_of_an_index_or_of_toast() {
    for version in test_versions() {
        let watched = Watched::database(version, "rebuilt").await;
        prepare(&watched).await;
        let free = watched.number("select 'free'::regclass::oid::int8").await;
        for (rebuild, table) in [
            ("reindex index held_lower".to_owned(), "held"),
            (format!("reindex table pg_toast.pg_toast_{free}"), "free"),
        ] {
            let holder = watched.session("holder").await;
            holder.batch_execute(&format!("begin; {rebuild}")).await.unwrap();
            for collector in collectors() {
                read(&watched.monitor, collector).await;
            }
            let sizes = read(&watched.monitor, "relation_sizes").await;
            assert_eq!(
                sizes.row(&[("table", table)]).number("index_bytes"),
                None,
                "{rebuild} on {version}"
            );
            holder.batch_execute("rollback").await.unwrap();
        }
    }
}
