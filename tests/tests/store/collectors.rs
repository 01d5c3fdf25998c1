//! The statements that are sent to targets, on real servers.

use db::{Client, Connection, Rows, Value};
use integration_tests::test_versions;
use store::collectors::{Look, UnfitKind, find};
use store::logins::Login;
use store::snapshots::ActivitySample;

use crate::{Monitoring, rows};

/// What the server says of itself.
async fn look(client: &Connection) -> Look {
    let (sql, parameters) = Look::statement();
    Look::read(client.query(sql, &parameters).await.unwrap().one().unwrap()).unwrap()
}

/// The rows of a collector, as a target gives them.
async fn read(client: &Connection, name: &str, parameters: &[Value]) -> Rows {
    let fitting = look(client).await.fit(find(name).unwrap()).unwrap();
    // The door refuses every type that it cannot carry.
    client.query(&fitting.sql, parameters).await.unwrap()
}

async fn check_columns(client: &Connection, name: &str, parameters: &[Value]) {
    let result = read(client, name, parameters).await;
    let expected: Vec<&str> = find(name)
        .unwrap()
        .columns
        .iter()
        .map(|column| column.name)
        .collect();
    assert_eq!(
        result.columns.iter().map(String::as_str).collect::<Vec<_>>(),
        expected,
        "{name}"
    );
}

fn no_keys() -> [Value; 1] {
    [Value::from(Vec::<String>::new())]
}

#[tokio::test]
async fn every_collector_gives_the_columns_of_its_header_on_every_version() {
    for version in test_versions() {
        let room = Monitoring::on(version, "collectors").await;
        let collector = room.login(Login::Collector).await;
        let client = &collector;
        let unfit = |look: Look| look.fit(find("statements").unwrap()).unwrap_err().kind;
        assert_eq!(unfit(look(client).await), UnfitKind::MissingExtension);
        room.run("create schema \"My Extensions\"").await;
        room.run("create extension pg_stat_statements schema \"My Extensions\"")
            .await;
        assert_eq!(unfit(look(client).await), UnfitKind::MissingPrivilege);
        room.run("grant usage on schema \"My Extensions\" to pgvitals_collector")
            .await;

        for name in ["activity", "databases", "statements"] {
            check_columns(client, name, &[]).await;
        }
        for name in ["server", "statement_texts"] {
            check_columns(client, name, &no_keys()).await;
        }
    }
}

/// One server of the newest version stands for the extensions of all the others.
#[tokio::test]
async fn every_version_of_the_extension_is_read() {
    let room = Monitoring::on(18, "extension_versions").await;
    let collector = room.login(Login::Collector).await;
    for version in ["1.4", "1.5", "1.6", "1.7", "1.8", "1.9", "1.10", "1.11", "1.12"] {
        room.run("drop extension if exists pg_stat_statements").await;
        room.run(&format!(
            "create extension pg_stat_statements schema public version '{version}'"
        ))
        .await;
        rows(&room.admin, "select 'a statement to be counted'::text").await;
        let seen = look(&collector).await;
        assert_eq!(seen.extension_version("pg_stat_statements"), Some(version));
        let statements = read(&collector, "statements", &[]).await;
        assert!(!statements.is_empty(), "{version}");

        let keys: Vec<String> = statements
            .iter()
            .map(|row| row.get("statement_key").unwrap())
            .collect();
        let texts = read(&collector, "statement_texts", &[keys.into()]).await;
        let counted = texts
            .iter()
            .any(|row| row.get::<String>("query").unwrap() == "select $1::text");
        assert!(counted, "{version}: {texts:?}");
    }
}

#[tokio::test]
async fn what_a_statement_did_is_read_with_its_names() {
    for version in test_versions() {
        let room = Monitoring::on(version, "statement_names").await;
        let collector = room.login(Login::Collector).await;
        room.run("create extension pg_stat_statements schema public")
            .await;
        room.run("create table public.numbers as select n from generate_series(1, 1000) as n")
            .await;
        for _ in 0..3 {
            rows(
                &room.admin,
                "select count(n)::int8 as of_numbers from public.numbers",
            )
            .await;
        }
        let statements = read(&collector, "statements", &[]).await;
        let keys: Vec<String> = statements
            .iter()
            .map(|row| row.get("statement_key").unwrap())
            .collect();
        let texts = read(&collector, "statement_texts", &[keys.into()]).await;
        let database = room.database.name();
        let ours = statements.iter().find(|row| {
            let key: String = row.get("statement_key").unwrap();
            let text = texts
                .iter()
                .find(|text| text.get::<String>("statement_key").unwrap() == key);
            row.get::<Option<String>>("database").unwrap().as_deref() == Some(database)
                && text.is_some_and(|text| text.get::<String>("query").unwrap().contains("of_numbers"))
        });
        let ours = ours.unwrap();
        assert_eq!(ours.get::<i64>("calls").unwrap(), 3);
        assert_eq!(ours.get::<i64>("rows").unwrap(), 3);
        assert_eq!(
            ours.get::<Option<String>>("user_name").unwrap().as_deref(),
            Some("postgres")
        );
        assert!(ours.get::<bool>("top_level").unwrap() && !ours.get::<bool>("own").unwrap());
        assert!(ours.get::<i64>("shared_hit").unwrap() > 0);

        let own = statements.iter().find(|row| row.get::<bool>("own").unwrap());
        assert!(own.is_none_or(|row| row.get::<String>("user_name").unwrap().starts_with("pgvitals_")));
    }
}

#[tokio::test]
async fn connections_are_counted_by_what_they_do() {
    for version in test_versions() {
        let room = Monitoring::on(version, "activity").await;
        let collector = room.login(Login::Collector).await;
        let holder = room.another().await;
        holder.execute("begin", &[]).await.unwrap();
        rows(&holder, "select 1::int8").await;
        let result = read(&collector, "activity", &[]).await;
        let sample = ActivitySample::read(result.one().unwrap()).unwrap();
        assert_eq!(sample.max_connections, 100);
        assert_eq!(sample.reserved_connections, 3);
        assert!(sample.idle_in_transaction >= 1, "{sample:?}");
        assert!(sample.connections > sample.idle_in_transaction, "{sample:?}");
    }
}

#[tokio::test]
async fn templates_are_no_databases() {
    let room = Monitoring::new("databases").await;
    let collector = room.login(Login::Collector).await;
    let result = read(&collector, "databases", &[]).await;
    let names: Vec<String> = result.iter().map(|row| row.get("database").unwrap()).collect();
    assert!(names.iter().any(|name| name == room.database.name()));
    assert!(!names.iter().any(|name| name.starts_with("template")));
}
