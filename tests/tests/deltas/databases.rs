//! The counters of databases.

use std::time::Duration;

use integration_tests::database::connect;
use integration_tests::test_versions;

use crate::Room;

/// How many rows were inserted into the shop, as it was stored.
const STORED: &str =
    "select coalesce(sum(rows_inserted), 0)::int8 from monitoring.database_samples where database = 'shop'";

impl Room {
    /// Does something in the shop, and waits until the server has counted it.
    async fn in_shop(&self, statement: &str) {
        let client = connect(&self.server.url("shop")).await.unwrap();
        client.batch_execute(statement).await.unwrap();
        drop(client);
        let gone = "select count(*) = 0 from pg_stat_activity where datname = 'shop'";
        self.monitored
            .until("the end of the session", gone)
            .await
            .unwrap();
        // Before PostgreSQL 15 what a session counted goes through a process that writes it down twice a second.
        tokio::time::sleep(Duration::from_millis(1_200)).await;
    }

    async fn insert(&self, rows: i64) {
        let before = self.shown().await;
        self.in_shop(&format!("insert into item select generate_series(1, {rows})"))
            .await;
        assert_eq!(self.shown().await, before + rows);
    }

    /// What the server says of the rows inserted into the shop.
    async fn shown(&self) -> i64 {
        self.number("select tup_inserted from pg_stat_database where datname = 'shop'")
            .await
    }
}

#[tokio::test]
async fn a_reset_of_the_statistics_counts_nothing_twice() {
    for version in test_versions() {
        let room = Room::new(version, &[("autovacuum", "off")]).await;
        room.batch("create database shop").await;
        room.in_shop("create table item (number int4); create table other (number int4)")
            .await;
        room.insert(1000).await;
        room.collect().await;
        room.insert(50).await;
        room.collect().await;
        assert_eq!(room.number(STORED).await, 50, "on {version}");

        // It resets one table, and stamps the whole database as reset, whose counters go on: twice, since the first time
        // there was no stamp to compare with.
        for _ in 0..2 {
            room.in_shop("select pg_stat_reset_single_table_counters('other'::regclass)")
                .await;
            room.collect().await;
        }
        room.insert(7).await;
        room.collect().await;
        assert_eq!(room.number(STORED).await, 57, "on {version}");

        for stored in [57, 57 + 220] {
            room.in_shop("select pg_stat_reset()").await;
            room.insert(20).await;
            room.collect().await;
            assert_eq!(room.number(STORED).await, stored + 20, "on {version}");
            room.insert(200).await;
            room.collect().await;
            assert_eq!(room.number(STORED).await, stored + 220, "on {version}");
        }
    }
}
