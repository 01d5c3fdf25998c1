//! Connections: how near to the limit, when they run out, and who leaks them.

use crate::{Room, assert_near, rooms, texts};

#[tokio::test]
async fn connections_that_grow_have_an_hour_at_which_they_run_out() {
    for room in rooms("growing_connections", 2).await {
        room.run(
            "select made.activity('shop', at, (85 - extract(epoch from now() - at) / 3600 * 6)::int8)
               from generate_series(now() - interval '6 hours', now(), interval '1 minute') as at",
        )
        .await;
        let rows = room.shown("connection_health").await;
        assert_eq!(
            texts(&rows, ["severity", "connections", "capacity"]),
            [["warning", "85", "97"]]
        );
        assert_near(&rows[0], "growth_per_hour", 6.0, 0.1);
        assert_near(&rows[0], "hours_until_exhausted", 2.0, 0.15);
        let five_hours_ago = room.moment("now() - interval '5 hours'").await;
        let then = room.shown_at("connection_health", Some(&five_hours_ago)).await;
        assert_eq!(texts(&then, ["severity", "connections"]), [["ok", "55"]]);
    }
}

#[tokio::test]
async fn steady_connections_are_well_and_an_open_transaction_is_not() {
    for room in rooms("steady_connections", 2).await {
        room.run(
            "select made.activity('shop', at, 20 + mod(extract(epoch from at)::int8 / 60, 7))
               from generate_series(now() - interval '6 hours', now(), interval '1 minute') as at",
        )
        .await;
        let rows = room.shown("connection_health").await;
        assert_eq!(
            texts(&rows, ["severity", "hours_until_exhausted", "advice"]),
            [["ok", "null", "null"]]
        );
        room.run("select made.activity('shop', now(), 20, 400)").await;
        let rows = room.shown("connection_health").await;
        assert_eq!(texts(&rows, ["severity"]), [["warning"]]);
        assert!(
            rows[0]["advice"]
                .as_str()
                .unwrap()
                .contains("pg_terminate_backend")
        );
    }
}

#[tokio::test]
async fn connections_that_were_not_seen_are_not_said_to_be_well() {
    for room in rooms("unseen_connections", 2).await {
        room.run("select made.activity('shop', now() - interval '20 minutes', 5)")
            .await;
        let rows = room.shown("connection_health").await;
        assert_eq!(texts(&rows, ["severity", "connections"]), [["unknown", "5"]]);
    }
}

/// Twelve hours of sessions of three applications: one leaks, one grows with its work, one is steady.
async fn three_applications(room: &Room, transactions: &str) {
    room.run(&format!(
        "select made.database('shop', at, ({transactions})::int8)
           from generate_series(now() - interval '13 hours', now(), interval '10 minutes') as at,
                lateral (select extract(epoch from at - now()) / 3600 + 13 as hour) as h"
    ))
    .await;
    room.run(
        "select made.sample('shop', 'connections',
                  jsonb_build_object('database', 'shop', 'user_name', 'app', 'application', a.application,
                                     'backend_type', 'client backend', 'state', 'idle'),
                  at, jsonb_build_object('sessions', case a.application
                    when 'leaks' then 5 + (extract(epoch from at - now()) / 3600 + 13) * 3
                    else 20 + mod(extract(epoch from at)::int8 / 600, 3)
                  end::int8, 'oldest_state_ms', 1000))
           from (values ('leaks'), ('steady')) as a (application),
                generate_series(now() - interval '13 hours', now(), interval '10 minutes') as at",
    )
    .await;
    room.run("select made.activity('shop', now(), 65)").await;
}

#[tokio::test]
async fn an_application_whose_connections_grow_without_work_is_a_suspect() {
    for room in rooms("leak", 2).await {
        three_applications(&room, "1000").await;
        let rows = room.shown("connection_leaks").await;
        assert_eq!(
            texts(&rows, ["severity", "suspicion", "application"]),
            [["critical", "growth", "leaks"]]
        );
        assert_near(&rows[0], "leaked_per_hour", 3.0, 0.05);
        // 32 are free at 3 an hour.
        assert_near(&rows[0], "hours_until_exhausted", 32.0 / 3.0, 0.1);
        assert_eq!(rows[0]["leak_rate_percent"], serde_json::Value::Null);

        room.run(
            "select made.sample('shop', 'database_sessions', '{\"database_id\": \"1\", \"database\": \"shop\"}', at,
                                '{\"sessions\": 100}')
               from generate_series(now() - interval '12 hours', now(), interval '10 minutes') as at",
        )
        .await;
        let rows = room.shown("connection_leaks").await;
        // 36 of some 7,300.
        assert_near(&rows[0], "leak_rate_percent", 0.49, 0.1);
    }
}

#[tokio::test]
async fn an_application_that_grows_with_its_work_is_none() {
    for room in rooms("growing_work", 2).await {
        three_applications(&room, "100 + hour * 200").await;
        assert_eq!(room.shown("connection_leaks").await, []);
    }
}

#[tokio::test]
async fn a_transaction_that_does_nothing_is_told_of_with_its_application() {
    for room in rooms("idle_in_transaction", 2).await {
        room.run(
            "select made.sample('shop', 'connections',
                      jsonb_build_object('database', 'shop', 'user_name', 'app', 'application', v.application,
                                         'backend_type', 'client backend', 'state', v.state),
                      now() - interval '10 seconds',
                      jsonb_build_object('sessions', 2, 'oldest_state_ms', v.ms))
               from (values ('waits', 'idle in transaction', 1000000), ('short', 'idle in transaction', 3000),
                     ('pool', 'idle', 9000000)) as v (application, state, ms)",
        )
        .await;
        let rows = room.shown("connection_leaks").await;
        assert_eq!(
            texts(&rows, ["severity", "suspicion", "application"]),
            [["critical", "idle in transaction", "waits"]]
        );
        assert_near(&rows[0], "oldest_seconds", 1000.0, 0.001);
        assert!(rows[0]["advice"].as_str().unwrap().contains("alter role app set"));
    }
}
