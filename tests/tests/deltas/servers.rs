//! Servers that are missed, replaced, or watched through several of their databases.

use integration_tests::database::connect;
use integration_tests::monitored::{COLLECTOR_PASSWORD, TARGET};
use integration_tests::{DedicatedServer, test_versions};
use store::logins::Login;

use crate::{COUNTED, Room, watched};

#[tokio::test]
async fn a_missed_cycle_is_counted_in_the_next() {
    let room = Room::new(test_versions()[0], &[]).await;
    room.run(1).await;
    room.collect().await;
    room.run(3).await;
    room.monitored
        .run("update monitoring.targets set enabled = false")
        .await
        .unwrap();
    room.collect().await;
    assert_eq!(room.stored().await, 0);
    room.run(4).await;
    room.monitored
        .run("update monitoring.targets set enabled = true")
        .await
        .unwrap();
    room.collect().await;
    assert_eq!(room.stored().await, 7);
    let samples = "select count(*) from monitoring.statement_samples join monitoring.statements using (statement_id) \
                   where query like '%counted_by_the_test%'";
    assert_eq!(room.number(samples).await, 1);
}

#[tokio::test]
async fn a_fail_over_is_a_gap_and_so_is_the_way_back() {
    let version = test_versions()[0];
    let room = Room::new(version, &[]).await;
    let replica = DedicatedServer::start(version).await.unwrap();
    watched(&replica).await;
    let client = connect(&replica.url("postgres")).await.unwrap();
    let run_there = async |times: usize| {
        for _ in 0..times {
            client.simple_query(COUNTED).await.unwrap();
        }
    };
    let lead_to = async |port: u16| {
        let address = format!("postgres://{}@127.0.0.1:{port}/postgres", Login::Collector.role());
        let sql = format!("update monitoring.targets set address = '{address}' where name = '{TARGET}'");
        room.monitored.run(&sql).await.unwrap();
    };

    room.run(5).await;
    room.collect().await;
    room.run(2).await;
    room.collect().await;
    assert_eq!(room.stored().await, 2);

    // The other server has counted the same statement under the same key, and more often.
    run_there(50).await;
    lead_to(replica.port()).await;
    room.collect().await;
    assert_eq!(room.stored().await, 2);
    run_there(3).await;
    room.collect().await;
    assert_eq!(room.stored().await, 5);

    room.run(100).await;
    lead_to(room.server.port()).await;
    room.collect().await;
    assert_eq!(room.stored().await, 5);
    room.run(4).await;
    room.collect().await;
    assert_eq!(room.stored().await, 9);
}

#[tokio::test]
async fn targets_of_one_server_take_turns_without_counting_twice() {
    let room = Room::new(test_versions()[0], &[]).await;
    room.batch("create database shop").await;
    room.batch("create extension if not exists pg_stat_statements")
        .await;
    let shop = connect(&room.server.url("shop")).await.unwrap();
    shop.batch_execute("create extension pg_stat_statements")
        .await
        .unwrap();
    let address = room
        .server
        .url_as(Login::Collector.role(), COLLECTOR_PASSWORD, "shop");
    room.monitored.watch("shop", &address).await.unwrap();
    let enable = async |enabled: bool| {
        let sql = format!("update monitoring.targets set enabled = {enabled} where name = '{TARGET}'");
        room.monitored.run(&sql).await.unwrap();
    };
    room.run(10).await;
    // Both may read in the first cycle: neither knows of the other yet.
    room.collect().await;
    room.collect().await;
    room.run(2).await;
    room.collect().await;
    assert_eq!(room.stored().await, 2);

    enable(false).await;
    room.collect().await;
    room.run(5).await;
    room.collect().await;
    assert_eq!(room.stored().await, 7, "the other target reads for the server");

    // The first is back with a reading from before the other took over.
    enable(true).await;
    room.collect().await;
    assert_eq!(room.stored().await, 7);
    room.run(3).await;
    room.collect().await;
    assert_eq!(room.stored().await, 10);
}
