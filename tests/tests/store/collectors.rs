//! The statements that are sent to targets, on real servers.

use db::{Client, Connection, Value};
use integration_tests::test_versions;
use store::collectors::{FILES, Header, StatementShape};
use store::snapshots::ActivitySample;

use crate::{Monitoring, rows};

/// The statement of a file as a target would get it.
async fn check_columns(client: &Connection, name: &str, statement: &str, parameters: &[Value]) {
    let file = FILES
        .iter()
        .find(|file| file.name.split('@').next() == Some(name))
        .unwrap();
    let header = Header::parse(file.text).unwrap();
    // The door refuses every type that it cannot carry.
    let result = client.query(statement, parameters).await.unwrap();
    let expected: Vec<&str> = header.columns.iter().map(|(column, _)| *column).collect();
    assert_eq!(
        result.columns.iter().map(String::as_str).collect::<Vec<_>>(),
        expected,
        "{name}"
    );
}

/// Where the extension is, if it is there.
async fn look(client: &impl Client) -> Option<StatementShape> {
    StatementShape::read(&rows(client, store::collectors::STATEMENT_SHAPE).await).unwrap()
}

#[tokio::test]
async fn every_collector_gives_the_columns_of_its_header_on_every_version() {
    for version in test_versions() {
        let room = Monitoring::on(version, "collectors").await;
        let client = &room.collector;
        assert_eq!(look(client).await, None, "the extension is not created yet");
        room.run("create schema \"My Extensions\"").await;
        room.run("create extension pg_stat_statements schema \"My Extensions\"")
            .await;
        assert!(
            !look(client).await.unwrap().usable,
            "the schema is closed to the collector"
        );
        room.run("grant usage on schema \"My Extensions\" to pgvitals_collector")
            .await;

        for name in ["server", "activity", "databases", "statement_shape"] {
            let file = FILES.iter().find(|file| file.name == name).unwrap();
            check_columns(client, name, file.text, &[]).await;
        }
        let shape = look(client).await.unwrap();
        assert!(shape.reads_all && shape.usable);
        check_columns(client, "statements", &shape.statements().unwrap(), &[]).await;
        let keys = Value::from(Vec::<String>::new());
        check_columns(client, "statement_texts", &shape.texts().unwrap(), &[keys]).await;
    }
}

/// One server of the newest version stands for the extensions of all the others.
#[tokio::test]
async fn every_version_of_the_extension_is_read() {
    let room = Monitoring::on(18, "extension_versions").await;
    for version in ["1.4", "1.5", "1.6", "1.7", "1.8", "1.9", "1.10", "1.11", "1.12"] {
        room.run("drop extension if exists pg_stat_statements").await;
        room.run(&format!(
            "create extension pg_stat_statements version '{version}'"
        ))
        .await;
        rows(&room.admin, "select 'a statement to be counted'::text").await;
        let shape = look(&room.collector).await.unwrap();
        assert_eq!(shape.extension_version, version);
        let statements = room
            .collector
            .query(&shape.statements().unwrap(), &[])
            .await
            .unwrap();
        assert!(!statements.is_empty(), "{version}");

        let keys: Vec<String> = statements
            .iter()
            .map(|row| row.get("statement_key").unwrap())
            .collect();
        let texts = room
            .collector
            .query(&shape.texts().unwrap(), &[keys.into()])
            .await
            .unwrap();
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
        room.run("create extension pg_stat_statements").await;
        room.run("create table numbers as select n from generate_series(1, 1000) as n")
            .await;
        for _ in 0..3 {
            rows(&room.admin, "select count(n)::int8 as of_numbers from numbers").await;
        }
        let shape = look(&room.collector).await.unwrap();
        let statements = room
            .collector
            .query(&shape.statements().unwrap(), &[])
            .await
            .unwrap();
        let keys: Vec<String> = statements
            .iter()
            .map(|row| row.get("statement_key").unwrap())
            .collect();
        let texts = room
            .collector
            .query(&shape.texts().unwrap(), &[keys.into()])
            .await
            .unwrap();
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
        assert!(own.is_none_or(|row| row.get::<String>("user_name").unwrap() == "pgvitals_collector"));
    }
}

#[tokio::test]
async fn connections_are_counted_by_what_they_do() {
    for version in test_versions() {
        let room = Monitoring::on(version, "activity").await;
        let holder = room.another().await;
        holder.execute("begin", &[]).await.unwrap();
        rows(&holder, "select 1::int8").await;
        let result = rows(&room.collector, store::collectors::ACTIVITY).await;
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
    let result = rows(&room.collector, store::collectors::DATABASES).await;
    let names: Vec<String> = result.iter().map(|row| row.get("database").unwrap()).collect();
    assert!(names.iter().any(|name| name == room.database.name()));
    assert!(!names.iter().any(|name| name.starts_with("template")));
}
