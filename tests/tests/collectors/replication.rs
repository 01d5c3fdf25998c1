//! Servers that follow others: `replication`, `replication_lag`, `wal_receiver`, `replication_slots`,
//! `replication_slot_decoding`, `subscriptions`, `database_conflicts`, `recovery_prefetch`, and `wal` on a replica.

use std::time::Duration;

use integration_tests::{DedicatedServer, test_versions};

use crate::reading::{NOT_IN_THIS_VERSION, Reading, Row, read, try_read};
use crate::watched::Watched;

/// A primary and a replica that streams from it by the slot `replica`.
async fn pair(version: u32) -> (DedicatedServer, DedicatedServer) {
    // Tests do without it, but then what was just written is not yet at any position of the log.
    let settings = [("wal_level", "logical"), ("synchronous_commit", "on")];
    let mut primary = DedicatedServer::start_with(version, &settings).await.unwrap();
    let watched = Watched::at(&primary, "postgres").await;
    watched
        .run(&[
            "create table replicated (n int)",
            "insert into replicated values (1)",
            "select pg_create_physical_replication_slot('replica', true)",
        ])
        .await;
    drop(watched);
    let of_replica = [
        ("primary_slot_name", "replica"),
        ("wal_retrieve_retry_interval", "100ms"),
        ("wal_receiver_status_interval", "1s"),
        ("hot_standby_feedback", "on"),
        ("max_standby_streaming_delay", "100ms"),
    ];
    let replica = primary.replicate(&of_replica).await.unwrap();
    (primary, replica)
}

/// Waits until the replica has replayed all that the primary has written.
async fn caught_up(primary: &Watched) {
    primary
        .until("select coalesce(bool_and(replay_lsn = pg_current_wal_lsn()), false) from pg_stat_replication")
        .await;
}

#[tokio::test]
async fn a_replica_is_followed_from_both_sides() {
    for version in test_versions() {
        let (primary_server, replica_server) = pair(version).await;
        let primary = Watched::at(&primary_server, "postgres").await;
        caught_up(&primary).await;
        let replica = Watched::replica(&replica_server, "postgres").await;

        let alone = read(&primary.monitor, "replication_lag").await.one().clone();
        assert_eq!(
            (alone.number("is_replica"), alone.number("lag_ms")),
            (Some(0), Some(0))
        );
        assert_eq!(alone.number("lag_bytes"), None);
        assert!(read(&primary.monitor, "wal_receiver").await.rows.is_empty());

        replica.run(&["select pg_wal_replay_pause()"]).await;
        primary
            .run(&["insert into replicated select generate_series(1, 10000)"])
            .await;
        replica
            .until("select pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()")
            .await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        let lag = read(&replica.monitor, "replication_lag").await.one().clone();
        assert_eq!(
            (lag.number("is_replica"), lag.number("replay_paused")),
            (Some(1), Some(1))
        );
        assert!(lag.number("lag_bytes").unwrap() > 0, "{lag:?}");
        assert!(lag.number("lag_ms").unwrap() >= 200, "{lag:?}");
        assert_eq!(
            lag.number("lag_ms").map(|ms| ms / 60_000),
            lag.number("last_replay_ms").map(|ms| ms / 60_000)
        );
        let follower = read(&primary.monitor, "replication").await.one().clone();
        assert_eq!(follower.text("application"), Some("replica"));
        assert_eq!(
            (follower.text("client"), follower.text("slot")),
            (Some("127.0.0.1"), Some("replica"))
        );
        assert_eq!(
            (follower.text("state"), follower.text("sync_state")),
            (Some("streaming"), Some("async"))
        );
        assert!(
            follower.number("replay_lag_bytes").unwrap() > 600_000,
            "{follower:?}"
        );
        assert!(
            follower.number("sent_lag_bytes").unwrap() < 600_000,
            "{follower:?}"
        );

        let receiver = read(&replica.monitor, "wal_receiver").await.one().clone();
        assert_eq!(
            (receiver.text("host"), receiver.text("slot")),
            (Some("127.0.0.1"), Some("replica"))
        );
        assert_eq!(
            receiver.text("port"),
            Some(primary_server.port().to_string().as_str())
        );
        assert_eq!(
            (receiver.text("status"), receiver.number("received_timeline")),
            (Some("streaming"), Some(1))
        );
        let received = replica
            .number("select pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')::int8")
            .await;
        assert!(receiver.number("flushed_position_bytes").unwrap() <= received);

        replica.run(&["select pg_wal_replay_resume()"]).await;
        caught_up(&primary).await;
        let lag = read(&replica.monitor, "replication_lag").await.one().clone();
        assert_eq!(
            (lag.number("lag_bytes"), lag.number("lag_ms")),
            (Some(0), Some(0)),
            "{lag:?}"
        );
        let position = replica
            .number("select pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::int8")
            .await;
        let wal = read(&replica.monitor, "wal").await.one().clone();
        assert_eq!(wal.number("position_bytes"), Some(position));
        assert!(
            read(&replica.monitor, "checkpoints")
                .await
                .one()
                .number("wal_since_redo_bytes")
                .unwrap()
                >= 0
        );
        match try_read(&replica.monitor, "recovery_prefetch").await {
            Ok(reading) => assert!(reading.one().number("wal_distance_bytes").is_some()),
            Err(refusal) => assert_eq!((refusal, version < 15), (NOT_IN_THIS_VERSION, true)),
        }
    }
}

#[tokio::test]
async fn what_a_slot_holds_back_grows_when_nobody_uses_it() {
    for version in test_versions() {
        let (primary_server, mut replica_server) = pair(version).await;
        let primary = Watched::at(&primary_server, "postgres").await;
        caught_up(&primary).await;
        let slot = |reading: &Reading| -> Row { reading.row(&[("slot", "replica")]).clone() };
        let used = slot(&read(&primary.monitor, "replication_slots").await);
        assert_eq!(
            (used.text("slot_type"), used.text("wal_status")),
            (Some("physical"), Some("reserved"))
        );
        assert_eq!(
            (used.number("active"), used.number("temporary")),
            (Some(1), Some(0))
        );
        assert_eq!(
            (used.text("database"), used.number("confirmed_position_bytes")),
            (None, None)
        );

        // A reader on the replica holds back the primary by the slot.
        let replica = Watched::replica(&replica_server, "postgres").await;
        let reader = replica.session("reader").await;
        reader
            .batch_execute("begin isolation level repeatable read; select 1 from replicated")
            .await
            .unwrap();
        primary
            .until("select count(*) = 1 from pg_replication_slots where xmin is not null")
            .await;
        for _ in 0..5 {
            primary.run(&["insert into replicated values (2)"]).await;
        }
        let horizon = read(&primary.monitor, "xmin_horizon").await;
        let holder = horizon.row(&[("holder", "replication_slot")]);
        assert_eq!(holder.text("name"), Some("replica"));
        assert!(holder.number("age_xids").unwrap() >= 5, "{horizon:?}");
        drop(reader);
        drop(replica);

        replica_server.stop().await.unwrap();
        primary.until("select not active from pg_replication_slots").await;
        primary
            .run(&["insert into replicated select generate_series(1, 10000)"])
            .await;
        let unused = slot(&read(&primary.monitor, "replication_slots").await);
        assert_eq!(unused.number("active"), Some(0));
        let retained = unused.number("retained_bytes").unwrap();
        assert!(
            retained > 500_000 && retained > used.number("retained_bytes").unwrap(),
            "{retained}"
        );
        assert_eq!(unused.number("inactive_at_seconds").is_some(), version >= 17);
        assert_eq!(unused.text("synced").is_some(), version >= 17);

        // Without a slot the replica gives its feedback by the connection.
        replica_server.start_again().await.unwrap();
        let replica = Watched::replica(&replica_server, "postgres").await;
        replica
            .run(&[
                "alter system set primary_slot_name = ''",
                "select pg_reload_conf()",
            ])
            .await;
        primary
            .until("select count(*) = 1 from pg_stat_replication where backend_xmin is not null")
            .await;
        let horizon = read(&primary.monitor, "xmin_horizon").await;
        assert_eq!(
            horizon.row(&[("holder", "standby_feedback")]).text("name"),
            Some("replica")
        );
        let follower = read(&primary.monitor, "replication").await.one().clone();
        assert_eq!(follower.text("slot"), Some(""));
        assert!(follower.number("xmin_age_xids").is_some());
    }
}

#[tokio::test]
async fn a_slot_that_was_lost_says_so() {
    for version in test_versions() {
        let settings = [
            ("max_slot_wal_keep_size", "1MB"),
            ("max_wal_size", "32MB"),
            ("min_wal_size", "32MB"),
        ];
        let server = DedicatedServer::start_with(version, &settings).await.unwrap();
        let watched = Watched::at(&server, "postgres").await;
        watched
            .run(&["select pg_create_physical_replication_slot('forgotten', true)"])
            .await;
        let slots = read(&watched.monitor, "replication_slots").await;
        assert!(
            slots
                .row(&[("slot", "forgotten")])
                .number("safe_wal_bytes")
                .is_some()
        );
        for _ in 0..4 {
            watched
                .run(&[
                    "create table if not exists filler (n int)",
                    "insert into filler values (1)",
                    "select pg_switch_wal()",
                ])
                .await;
        }
        watched.run(&["checkpoint"]).await;
        let slots = read(&watched.monitor, "replication_slots").await;
        let lost = slots.row(&[("slot", "forgotten")]);
        assert_eq!(lost.text("wal_status"), Some("lost"));
        let reason = (version >= 17).then_some("wal_removed");
        assert_eq!(lost.text("invalidation"), reason);
    }
}

#[tokio::test]
async fn a_query_that_recovery_cancels_is_counted() {
    for version in test_versions() {
        let (primary_server, replica_server) = pair(version).await;
        let primary = Watched::at(&primary_server, "postgres").await;
        caught_up(&primary).await;
        let replica = Watched::replica(&replica_server, "postgres").await;
        let reader = replica.session("reader").await;
        reader
            .batch_execute("begin; select * from replicated")
            .await
            .unwrap();
        primary.run(&["drop table replicated"]).await;
        replica
            .until("select confl_lock = 1 from pg_stat_database_conflicts where datname = 'postgres'")
            .await;
        let conflicts = read(&replica.monitor, "database_conflicts").await;
        let row = conflicts.row(&[("database", "postgres")]);
        assert_eq!((row.number("lock"), row.number("snapshot")), (Some(1), Some(0)));
        assert_eq!(row.number("logical_slot").is_some(), version >= 16);
    }
}

#[tokio::test]
async fn a_subscription_is_followed_until_it_fails() {
    for version in test_versions() {
        let server = DedicatedServer::start_with(
            version,
            &[("wal_level", "logical"), ("wal_retrieve_retry_interval", "200ms")],
        )
        .await
        .unwrap();
        let publisher = Watched::at(&server, "postgres").await;
        publisher
            .run(&[
                "create database subscriber",
                "create table orders (n int primary key)",
                "create publication all_orders for table orders",
                "select pg_create_logical_replication_slot('orders', 'pgoutput')",
            ])
            .await;
        let subscriber = Watched::at(&server, "subscriber").await;
        let connection = server.url("postgres");
        subscriber
            .run(&[
                "create table orders (n int primary key)",
                &format!(
                    "create subscription orders connection '{connection}' publication all_orders \
                     with (create_slot = false, slot_name = 'orders', copy_data = false)"
                ),
            ])
            .await;
        publisher.run(&["insert into orders values (1), (2)"]).await;
        subscriber.until("select count(*) = 2 from orders").await;

        // It is told from any database of the server.
        let followed = read(&publisher.monitor, "subscriptions").await;
        let row = followed.row(&[("subscription", "orders")]);
        assert_eq!(
            (row.text("database"), row.text("enabled")),
            (Some("subscriber"), Some("true"))
        );
        assert_eq!(
            (row.number("apply_workers"), row.number("synchronization_workers")),
            (Some(1), Some(0))
        );
        assert!(
            row.number("received_position_bytes").unwrap() > 0
                && row.number("message_received_at_seconds").is_some()
        );
        assert_eq!(row.number("conflicts").is_some(), version >= 18);
        let slots = read(&publisher.monitor, "replication_slots").await;
        let slot = slots.row(&[("slot", "orders")]);
        assert_eq!(
            (slot.text("slot_type"), slot.text("plugin")),
            (Some("logical"), Some("pgoutput"))
        );
        assert!(slot.number("confirmed_position_bytes").unwrap() > 0);
        if version >= 14 {
            publisher
                .until("select total_txns > 0 from pg_stat_replication_slots where slot_name = 'orders'")
                .await;
            let decoding = read(&publisher.monitor, "replication_slot_decoding").await;
            let decoded = decoding.row(&[("slot", "orders")]);
            assert!(decoded.number("total_bytes").unwrap() > 0);
            assert_eq!(decoded.number("spills"), Some(0));
        }

        // A row that is there already stops the worker again and again.
        subscriber.run(&["insert into orders values (3)"]).await;
        publisher.run(&["insert into orders values (3)"]).await;
        if version >= 15 {
            subscriber
                .until("select apply_error_count > 0 from pg_stat_subscription_stats")
                .await;
        }
        subscriber.run(&["alter subscription orders disable"]).await;
        subscriber
            .until("select count(*) = 0 from pg_stat_subscription where pid is not null")
            .await;
        let followed = read(&publisher.monitor, "subscriptions").await;
        let row = followed.row(&[("subscription", "orders")]);
        assert_eq!(
            (row.text("enabled"), row.number("apply_workers")),
            (Some("false"), Some(0))
        );
        match row.number("apply_errors") {
            Some(errors) => assert!(errors > 0),
            None => assert!(version < 15),
        }
    }
}
