//! Defaults that the owner of a database, or of a role, can give to every session, and what is collected all the same.

use std::collections::BTreeMap;
use std::time::Duration;

use db::{Client as _, Preamble, unit_of_work};
use integration_tests::database::connect;
use integration_tests::{HostileDatabase, test_versions};
use store::collectors::{ColumnKind, TargetKind};
use store::logins::Login;

use crate::{application, collector, run, session, set_up};

/// Settings with values that change what a statement means, gives or may do, and the version that knows them.
const HOSTILE: [(&str, &str, u32); 31] = [
    ("search_path", "''", 13),
    ("role", "mallory", 13),
    ("standard_conforming_strings", "off", 13),
    ("backslash_quote", "on", 13),
    ("escape_string_warning", "on", 13),
    ("transform_null_equals", "on", 13),
    ("array_nulls", "off", 13),
    ("quote_all_identifiers", "on", 13),
    ("bytea_output", "escape", 13),
    ("datestyle", "'German, DMY'", 13),
    ("intervalstyle", "iso_8601", 13),
    ("timezone", "'Asia/Kathmandu'", 13),
    ("extra_float_digits", "-15", 13),
    ("client_encoding", "latin1", 13),
    ("row_security", "off", 13),
    ("check_function_bodies", "off", 13),
    ("default_transaction_isolation", "serializable", 13),
    ("default_transaction_read_only", "on", 13),
    ("default_transaction_deferrable", "on", 13),
    ("exit_on_error", "on", 13),
    ("gin_fuzzy_search_limit", "1", 13),
    ("plan_cache_mode", "force_generic_plan", 13),
    ("jit_above_cost", "0", 13),
    ("max_parallel_workers_per_gather", "8", 13),
    ("xmloption", "document", 13),
    ("lock_timeout", "'1ms'", 13),
    ("idle_in_transaction_session_timeout", "'700ms'", 13),
    ("idle_session_timeout", "'700ms'", 14),
    ("stats_fetch_consistency", "none", 15),
    ("createrole_self_grant", "'set'", 16),
    ("transaction_timeout", "'700ms'", 17),
];

/// Settings that show a default of their own, which the collector `settings` tells as it is.
fn is_hostile(name: &str) -> bool {
    HOSTILE
        .iter()
        .any(|(hostile, _, _)| hostile.eq_ignore_ascii_case(name))
}

/// Collectors of which everything but their numbers stays the same from one reading to the next.
const STEADY: [&str; 11] = [
    "settings",
    "index_definitions",
    "unindexed_foreign_keys",
    "tables_without_primary_key",
    "duplicate_indexes",
    "roles",
    "extensions",
    "sequences",
    "tables",
    "indexes",
    "database_sizes",
];

/// Objects whose definitions are written as text, with constants of types that settings change.
const OBJECTS: &str = r#"
    create schema "Shop";
    create table "Shop".customers (customer_id int8 generated always as identity primary key, born timestamptz, note text);
    create table "Shop".orders (order_id int8, customer_id int8 references "Shop".customers, share float8, document bytea);
    create index recent on "Shop".customers (born) where born > '2026-02-03 04:05:06+00';
    create index recent_again on "Shop".customers (born) where born > '2026-02-03 04:05:06+00';
    create index odd on "Shop".customers ((note || 'a\b')) where note ~ '\d' and note is not null;
    create index third on "Shop".orders (share) where share > 0.1234567890123456;
    insert into "Shop".customers (born) values (now())"#;

/// What the collectors say with their keys, labels and texts.
async fn read(database: &HostileDatabase) -> BTreeMap<&'static str, Vec<String>> {
    let client = session(&collector(database)).await;
    let preamble = Preamble::new("pgvitals/test").read_only();
    let mut found = BTreeMap::new();
    for name in STEADY {
        let collector = store::collectors::find(name).unwrap();
        assert_eq!(collector.target, TargetKind::Postgres);
        let columns: Vec<&str> = collector
            .columns_of(&[
                ColumnKind::Key,
                ColumnKind::Label,
                ColumnKind::Text,
                ColumnKind::Expression,
                ColumnKind::Setting,
            ])
            .collect();
        for variant in collector.variants {
            let read = unit_of_work(&client, &preamble, async |client| {
                client.query(variant.sql, &[]).await
            })
            .await;
            let Ok(rows) = read else { continue };
            let mut lines: Vec<String> = rows
                .iter()
                .map(|row| {
                    columns
                        .iter()
                        .map(|column| row.get::<Option<String>>(column).unwrap().unwrap_or_default())
                        .collect::<Vec<_>>()
                })
                .filter(|values| name != "settings" || !is_hostile(&values[0]))
                .map(|values| values.join("|"))
                .collect();
            lines.sort();
            found.insert(name, lines);
            break;
        }
    }
    found
}

#[tokio::test]
async fn hostile_defaults_change_nothing_of_what_is_collected() {
    for version in test_versions() {
        let database = HostileDatabase::on(version).await.unwrap();
        let superuser = connect(&database.server().url("postgres")).await.unwrap();
        superuser
            .batch_execute(
                "alter system set archive_cleanup_command = 'tidy --token=geheim password = geheim'",
            )
            .await
            .unwrap();
        superuser.batch_execute("select pg_reload_conf()").await.unwrap();
        set_up(&database).await;
        database
            .owner()
            .await
            .unwrap()
            .batch_execute(OBJECTS)
            .await
            .unwrap();
        // So that they can be made to act as another role.
        let roles = Login::ALL.map(Login::role);
        let grant = format!("grant mallory to {}", roles.join(", "));
        superuser.batch_execute(&grant).await.unwrap();
        let clean = read(&database).await;
        assert_eq!(clean.len(), STEADY.len(), "{:?}", clean.keys());
        assert!(
            clean
                .values()
                .flatten()
                .any(|line| line.contains("0.1234567890123456"))
        );

        // The owner of the database, then somebody who may change the role, for this database and so with the last word.
        let every_role = roles.map(|role| format!("role {role} in database shop"));
        let database_itself = ["database shop".to_owned()];
        for (whose, changed) in [("database", &database_itself[..]), ("roles", &every_role[..])] {
            let known = HOSTILE.iter().filter(|(_, _, since)| version >= *since);
            for (name, value, _) in known {
                for one in changed {
                    let statement = format!("alter {one} set {name} = {value}");
                    superuser.batch_execute(&statement).await.unwrap();
                }
            }
            let hostile = read(&database).await;
            for (name, lines) in &hostile {
                assert_eq!(lines, &clean[name], "{name} with hostile defaults of the {whose}");
            }
            collect(&database, whose).await;
        }
    }
}

/// The whole application keeps the target up and stores no password.
async fn collect(database: &HostileDatabase, whose: &str) {
    // One that idles would be ended.
    let number = async |sql: &str| -> i64 {
        let admin = session(&database.url()).await;
        admin.query(sql, &[]).await.unwrap().one().unwrap().at(0).unwrap()
    };
    let application = application(database).await;
    for _ in 0..3 {
        run(&application, "collect-stats").await;
        run(&application, "check-alerts").await;
        run(&application, "run-maintenance").await;
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
    let ready = application.get_until("/health/ready", 200).await.unwrap();
    assert_eq!(ready.status, 200, "{whose}: {}", ready.body);
    let targets = application.get("/health/targets").await.unwrap();
    assert!(targets.body.contains("\"up\""), "{whose}: {}", targets.body);
    let failed = "select count(*)::int8 from monitoring.collector_status where outcome = 'failed'";
    assert_eq!(number(failed).await, 0, "{whose}");
    let failed = "select count(*)::int8 from monitoring.function_runs where outcome in ('failed', 'partial')";
    assert_eq!(number(failed).await, 0, "{whose}");
    let secrets = "select count(*)::int8 from monitoring.subjects where texts::text like '%geheim%'";
    assert_eq!(number(secrets).await, 0, "{whose}");
}

#[tokio::test]
async fn a_default_never_beats_the_address() {
    let version = test_versions()[0];
    let database = HostileDatabase::on(version).await.unwrap();
    set_up(&database).await;
    let owner = database.owner().await.unwrap();
    owner
        .batch_execute("alter database shop set search_path = theirs; alter database shop set jit = on")
        .await
        .unwrap();
    for url in [
        collector(&database),
        format!("{}?options=-c%20search_path%3Dtheirs", database.url()),
    ] {
        let client = session(&url).await;
        let sql = "select current_setting('search_path') as path, current_setting('jit') as jit";
        let rows = client.query(sql, &[]).await.unwrap();
        let row = rows.one().unwrap();
        assert_eq!(row.get::<String>("path").unwrap(), "pg_catalog, pg_temp");
        assert_eq!(row.get::<String>("jit").unwrap(), "off");
    }
}
