//! The servers and databases that all other tests stand on.

use std::time::Duration;

use embedded_postgres::supported_versions;
use integration_tests::database::connect;
use integration_tests::{Database, DedicatedServer, Server, test_versions};

#[tokio::test]
async fn a_shared_server_has_the_version_asked_for_and_counts_statements() {
    for version in test_versions() {
        let server = Server::shared(version).await.unwrap();
        let database = Database::new(&server, "servers::counts_statements")
            .await
            .unwrap();
        let client = database.connect().await.unwrap();

        let number: String = client
            .query_one("show server_version_num", &[])
            .await
            .unwrap()
            .get(0);
        assert!(
            number.starts_with(&version.to_string()),
            "asked for {version}, got {number}"
        );

        client
            .batch_execute("create extension pg_stat_statements")
            .await
            .unwrap();
        client.query("select 'counted' as word", &[]).await.unwrap();
        let calls: i64 = client
            .query_one(
                "select calls from pg_stat_statements where query like '%as word' \
                 and dbid = (select oid from pg_catalog.pg_database where datname = current_database())",
                &[],
            )
            .await
            .unwrap()
            .get(0);
        assert_eq!(calls, 1);
    }
}

#[tokio::test]
async fn a_database_is_fresh_each_time_and_gone_after_the_test() {
    let server = Server::shared(test_versions()[0]).await.unwrap();
    let name = {
        let database = Database::new(&server, "servers::fresh").await.unwrap();
        database.batch("create table left_over ()").await.unwrap();
        database.name().to_owned()
    };

    let client = connect(&server.url("postgres")).await.unwrap();
    let left = client
        .query("select from pg_catalog.pg_database where datname = $1", &[&name])
        .await
        .unwrap();
    assert!(left.is_empty(), "{name} is still there");

    let database = Database::new(&server, "servers::fresh").await.unwrap();
    database.batch("create table left_over ()").await.unwrap();
}

#[tokio::test]
async fn a_dedicated_server_stops_starts_crashes_and_stands_still_at_will() {
    let mut server = DedicatedServer::start_with(test_versions()[0], &[("work_mem", "5MB")])
        .await
        .unwrap();
    let url = server.url("postgres");
    let client = connect(&url).await.unwrap();
    client
        .batch_execute("create table kept (n int); insert into kept values (1)")
        .await
        .unwrap();
    let work_mem: String = client.query_one("show work_mem", &[]).await.unwrap().get(0);
    assert_eq!(work_mem, "5MB");

    server.stop().await.unwrap();
    assert!(connect(&url).await.is_err(), "a stopped server took a connection");
    server.start_again().await.unwrap();

    let client = connect(&url).await.unwrap();
    server.pause().unwrap();
    let answer = tokio::time::timeout(Duration::from_millis(200), client.query("select 1", &[])).await;
    assert!(answer.is_err(), "a server that stands still answered");
    server.resume().unwrap();
    client.query("select 1", &[]).await.unwrap();

    server.crash().await.unwrap();
    server.start_again().await.unwrap();
    let client = connect(&url).await.unwrap();
    let kept: i32 = client.query_one("select n from kept", &[]).await.unwrap().get(0);
    assert_eq!(kept, 1);
}

#[tokio::test]
async fn every_supported_version_can_be_started() {
    for version in supported_versions() {
        let server = Server::shared(version).await.unwrap();
        let client = connect(&server.url("postgres")).await.unwrap();
        let number: String = client
            .query_one("show server_version_num", &[])
            .await
            .unwrap()
            .get(0);
        assert!(
            number.starts_with(&version.to_string()),
            "asked for {version}, got {number}"
        );
    }
}
