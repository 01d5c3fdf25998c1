//! Resources against their capacity, waits, and replicas.

use crate::{assert_near, rooms, row, texts};

#[tokio::test]
async fn each_resource_is_set_against_its_capacity() {
    for room in rooms("resources", 9).await {
        for (setting, unit, value) in [
            ("shared_buffers", "8kB", "16384"),
            ("max_wal_size", "MB", "1024"),
            ("checkpoint_timeout", "s", "300"),
        ] {
            room.run(&format!(
                "select made.sample('shop', 'settings', '{{\"setting\": \"{setting}\", \"unit\": \"{unit}\"}}',
                                    now() - interval '1 hour', '{{}}', '{{\"value\": \"{value}\"}}')"
            ))
            .await;
        }
        room.run(
            "select made.activity('shop', at, 75), made.database('shop', at, 100, 9200, 800, 400000000),
                    -- 36 GB an hour: 3 GB within five minutes.
                    made.sample('shop', 'wal', '{}', at, '{\"position_bytes\": 6000000000}'),
                    made.sample('shop', 'checkpoints', '{}', at, '{\"timed\": 1, \"requested\": 2}')
               from generate_series(now() - interval '23 hours', now() - interval '1 minute', interval '10 minutes') as at",
        )
        .await;
        room.run(
            "select made.sample('shop', 'database_sizes', '{\"database\": \"shop\"}',
                      now() - days * interval '1 day' - interval '1 minute',
                      jsonb_build_object('size_bytes', 10000000000 - days * 100000000))
               from generate_series(0, 8) as days",
        )
        .await;
        let rows = room.shown("resource_use").await;
        let found = texts(&rows, ["resource", "severity", "urgency"]);
        assert_eq!(
            found,
            [
                ["forced checkpoints", "warning", "within a week"],
                ["WAL", "info", "within a month"],
                ["cache hits", "info", "within a month"],
                ["connections", "info", "within a month"],
                ["disk", "info", "within a month"],
                ["temporary files", "info", "within a month"],
            ]
        );
        assert_near(
            row(&rows, "resource", "connections"),
            "used_percent",
            100.0 * 75.0 / 97.0,
            0.001,
        );
        assert_near(row(&rows, "resource", "cache hits"), "used_percent", 92.0, 0.001);
        assert_near(row(&rows, "resource", "disk"), "growth_per_day", 1e8, 0.01);
        assert_near(
            row(&rows, "resource", "WAL"),
            "used_percent",
            100.0 * 3e9 / 1_073_741_824.0,
            0.01,
        );
        assert!(
            row(&rows, "resource", "WAL")["advice"]
                .as_str()
                .unwrap()
                .contains("max_wal_size = '6GB'")
        );
        assert_near(
            row(&rows, "resource", "forced checkpoints"),
            "used_percent",
            100.0 * 2.0 / 3.0,
            0.001,
        );
        assert!(
            row(&rows, "resource", "cache hits")["advice"]
                .as_str()
                .unwrap()
                .contains("128 MB")
        );
    }
}

#[tokio::test]
async fn waits_are_average_active_sessions_of_each_hour() {
    for room in rooms("waits", 2).await {
        // In the hour before last: two sessions wait for a row all the time, four run in half of the readings.
        room.run(
            "select made.activity('shop', at, 10) from generate_series(
               date_trunc('hour', now(), 'UTC') - interval '2 hours',
               date_trunc('hour', now(), 'UTC') - interval '1 hour 1 second', interval '15 seconds') as at",
        )
        .await;
        room.run(
            "select made.sample('shop', 'waits',
                      jsonb_build_object('database', 'shop', 'backend_type', 'client backend', 'state', 'active',
                                         'wait_event_type', v.type, 'wait_event', v.event),
                      at, jsonb_build_object('sessions', v.sessions))
               from (values ('Lock', 'tuple', 2, 15), ('CPU', 'CPU', 4, 30)) as v (type, event, sessions, every)
               cross join lateral generate_series(
                 date_trunc('hour', now(), 'UTC') - interval '2 hours',
                 date_trunc('hour', now(), 'UTC') - interval '1 hour 1 second', v.every * interval '1 second') as at",
        )
        .await;
        for rolled_up in [false, true] {
            if rolled_up {
                room.roll_up().await;
                room.run("delete from monitoring.samples").await;
                room.run("delete from monitoring.activity_samples").await;
            }
            let rows = room.shown("wait_profile").await;
            assert_eq!(
                texts(&rows, ["wait_event", "severity"]).len(),
                2,
                "rolled up: {rolled_up}: {rows:#?}"
            );
            let lock = row(&rows, "wait_event", "tuple");
            assert_eq!(lock["severity"], "warning");
            assert_near(lock, "average_active_sessions", 2.0, 0.001);
            assert_near(lock, "share_percent", 50.0, 0.001);
            assert_near(
                row(&rows, "wait_event", "CPU"),
                "average_active_sessions",
                2.0,
                0.001,
            );
        }
    }
}

#[tokio::test]
async fn a_replica_is_behind_by_time_or_by_bytes_and_a_silent_primary_is_no_lag() {
    for room in rooms("replicas", 2).await {
        room.run(
            "select made.sample('shop', 'replication', jsonb_build_object('application', v.name),
                      now() - interval '5 seconds',
                      jsonb_build_object('replay_lag_us', v.lag_us, 'replay_lag_bytes', v.bytes), '{\"state\": \"streaming\"}')
               from (values ('silent', 900000000, 0), ('near', 100000, 5000), ('far', 40000000, 5000),
                            ('untimed', null, 200000000)) as v (name, lag_us, bytes)",
        )
        .await;
        room.run(
            "select made.sample('shop', 'replication', '{\"application\": \"gone\"}', now() - interval '10 minutes',
                                '{\"replay_lag_us\": 900000000, \"replay_lag_bytes\": 5000}')",
        )
        .await;
        let rows = room.shown("replicas").await;
        let mut found = texts(&rows, ["replica", "severity"]);
        found.sort();
        assert_eq!(
            found,
            [
                ["far", "warning"],
                ["near", "ok"],
                ["silent", "ok"],
                ["untimed", "warning"]
            ]
        );
    }
}

#[tokio::test]
async fn waits_for_locks_are_summed_up_by_who_is_at_the_end_of_the_chain() {
    for room in rooms("blocking", 2).await {
        // Two wait for one that does nothing; one waits now for a change of a table; two waited for each other.
        room.run(
            "insert into monitoring.blocked_sessions (
               target_id, sampled_at, pid, database, waiting_ms, statement_ms, lock_type, lock_mode, relation, blocker_pids,
               depth, root_pid, root_state, root_user_name, root_application, query, root_query)
             select t.target_id, now() - v.ago * interval '1 minute', v.pid, 'shop', v.waiting_ms, 500000, 'x', v.mode,
                    v.relation, array[9], case when v.state is not null then 1 end, case when v.state is not null then 9 end,
                    v.state, 'app', v.application, 'update', 'select'
               from monitoring.targets as t,
                    (values
                      (200, 1, 100, 'ShareLock', 'public.orders', 'idle in transaction', 'forgets'),
                      (190, 1, 400000, 'ShareLock', 'public.orders', 'idle in transaction', 'forgets'),
                      (190, 2, 200, 'ShareLock', 'public.orders', 'idle in transaction', 'forgets'),
                      (0, 3, 70000, 'AccessExclusiveLock', 'public.lines', 'active', 'deploys'),
                      (90, 4, 900, 'ShareLock', null, null, null)
                    ) as v (ago, pid, waiting_ms, mode, relation, state, application)",
        )
        .await;
        let rows = room.shown("blocking").await;
        let columns = [
            "blocked_by_application",
            "severity",
            "peak_waiting",
            "waiting_now",
            "readings",
        ];
        assert_eq!(
            texts(&rows, columns),
            [
                ["forgets", "critical", "2", "0", "2"],
                ["deploys", "warning", "1", "1", "1"],
                ["null", "info", "1", "0", "1"],
            ]
        );
        assert_near(&rows[0], "longest_wait_seconds", 400.0, 0.001);
        let advice = [
            "idle_in_transaction_session_timeout",
            "lock_timeout",
            "in one order",
        ];
        for (row, advice) in rows.iter().zip(advice) {
            assert!(row["advice"].as_str().unwrap().contains(advice), "{row:#?}");
        }
        let then = room.moment("now() - interval '3 hours 15 minutes'").await;
        let then = room.shown_at("blocking", Some(&then)).await;
        assert_eq!(texts(&then, ["severity", "readings"]), [["info", "1"]]);
    }
}
