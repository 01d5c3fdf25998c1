//! Indexes: how they are used, which could go, which are missing, and tables that begin to be scanned.

use crate::{Room, assert_near, rooms, row, texts};

/// Two weeks and more of indexes, each with its scans in ten minutes of every sixth hour.
async fn three_weeks_of_indexes(room: &Room) {
    room.run(
        "select made.sample('shop', 'indexes',
                  jsonb_build_object('schema', 'public', 'index', v.index, 'table', 'orders'),
                  at, jsonb_build_object('scans', case when v.used_until > at then 3 else 0 end,
                    'estimated_bytes', v.bytes, 'is_valid', 1, 'is_unique', v.is_unique, 'is_primary', 0,
                    'is_constraint', 0, 'is_replica_identity', 0))
           from (values
             ('used', now(), 50000000, 0, 20),
             ('unused', now() - interval '20 days', 50000000, 0, 20),
             ('unused_until_lately', now() - interval '10 days', 50000000, 0, 20),
             ('unused_but_unique', now() - interval '20 days', 50000000, 1, 20),
             ('unused_but_young', now() - interval '20 days', 50000000, 0, 10),
             ('unused_but_small', now() - interval '20 days', 8192, 0, 20)
           ) as v (index, used_until, bytes, is_unique, age),
           lateral generate_series(now() - v.age * interval '1 day', now(), interval '6 hours') as at",
    )
    .await;
}

async fn unused(room: &Room) -> Vec<String> {
    let rows = room.shown("index_usage").await;
    let unused = rows.iter().filter(|row| row["finding"] == "unused index");
    unused
        .map(|row| row["index_name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn an_index_is_called_unused_only_after_it_was_watched_long_enough() {
    for room in rooms("unused", 22).await {
        three_weeks_of_indexes(&room).await;
        let rows = room.shown("index_usage").await;
        assert_eq!(unused(&room).await, ["public.unused"]);
        let found = row(&rows, "index_name", "public.unused");
        assert_near(found, "watched_days", 15.5, 0.04);
        assert!(
            found["advice"]
                .as_str()
                .unwrap()
                .contains("drop index concurrently public.unused")
        );
        room.roll_up().await;
        assert_eq!(unused(&room).await, ["public.unused"], "by the roll-ups");
    }
}

#[tokio::test]
async fn a_reset_or_a_time_without_samples_begins_the_watch_anew() {
    for room in rooms("unused_reset", 22).await {
        three_weeks_of_indexes(&room).await;
        // After a reset there is nothing to compare the first reading with.
        room.run(
            "update monitoring.samples set \"values\"[1] = null, interval_ms = null
              where sampled_at between now() - interval '5 days' and now() - interval '4 days'",
        )
        .await;
        assert_eq!(unused(&room).await, Vec::<String>::new());
    }
    for room in rooms("unused_gap", 22).await {
        three_weeks_of_indexes(&room).await;
        room.run(
            "delete from monitoring.samples
              where sampled_at between now() - interval '8 days' and now() - interval '4 days'",
        )
        .await;
        assert_eq!(unused(&room).await, Vec::<String>::new());
    }
}

/// Nine days of three tables, each hour with its scans.
async fn nine_days_of_tables(room: &Room) {
    room.run(
        "select made.sample('shop', 'tables', jsonb_build_object('schema', 'public', 'table', v.table_name), at,
                  jsonb_build_object('seq_scans', n.seq_scans, 'seq_rows_read', n.seq_scans * v.rows, 'idx_scans', v.index_scans,
                                     'estimated_rows', v.rows, 'estimated_bytes', v.rows * 100))
           from (values ('by_index', 100000, 0, 0, 500), ('begins', 100000, 0, 20, 500), ('always', 200000, 20, 20, 100),
                        ('small', 500, 0, 50, 0)) as v (table_name, rows, before, lately, index_scans),
                generate_series(now() - interval '9 days', now() - interval '1 minute', interval '1 hour') as at,
                lateral (
                  select case when at >= date_trunc('hour', now(), 'UTC') - interval '7 hours' then v.lately else v.before end
                    as seq_scans
                ) as n",
    )
    .await;
}

#[tokio::test]
async fn a_table_that_begins_to_be_scanned_is_told_of_and_one_that_always_was_is_not() {
    for room in rooms("new_scans", 10).await {
        nine_days_of_tables(&room).await;
        let rows = room.shown("new_sequential_scans").await;
        assert_eq!(
            texts(&rows, ["severity", "table_name"]),
            [["warning", "public.begins"]]
        );
        let since = room
            .moment("to_jsonb(date_trunc('hour', now(), 'UTC') - interval '7 hours') #>> '{}'")
            .await;
        assert_eq!(rows[0]["since"], since);
        assert_near(&rows[0], "rows_per_scan", 100_000.0, 0.001);
        assert_near(&rows[0], "scans_per_hour_before", 0.0, 0.0);

        let before = room.moment("now() - interval '9 hours'").await;
        assert_eq!(room.shown_at("new_sequential_scans", Some(&before)).await, []);
        let then = room.moment("now() - interval '8 days'").await;
        let unwatched = room.shown_at("new_sequential_scans", Some(&then)).await;
        assert_eq!(unwatched, [], "nothing is known to be new");
        room.roll_up().await;
        assert_eq!(
            texts(&room.shown("new_sequential_scans").await, ["table_name"]),
            [["public.begins"]]
        );
    }
}

#[tokio::test]
async fn the_use_of_indexes_and_the_lack_of_one_are_measured_on_large_tables() {
    for room in rooms("index_use", 10).await {
        nine_days_of_tables(&room).await;
        let rows = room.shown("index_usage").await;
        assert_eq!(
            texts(&rows, ["finding", "table_name", "severity"]),
            [
                ["index use", "public.always", "info"],
                ["missing index", "public.always", "info"],
                ["index use", "public.begins", "ok"],
                ["index use", "public.by_index", "ok"],
            ]
        );
        assert_near(&rows[0], "index_use_percent", 100.0 * 100.0 / 120.0, 0.001);
        assert_near(&rows[1], "rows_per_seq_scan", 200_000.0, 0.001);
    }
}

#[tokio::test]
async fn what_the_catalog_says_of_indexes_comes_with_the_statement_that_mends_it() {
    for room in rooms("catalog", 2).await {
        for (collector, names, numbers, texts) in [
            (
                "duplicate_indexes",
                r#"{"schema": "public", "index": "Twice", "table": "orders"}"#,
                r#"{"estimated_bytes": 1000}"#,
                r#"{"covered_by": "once", "kind": "duplicate"}"#,
            ),
            (
                "invalid_indexes",
                r#"{"schema": "public", "index": "failed", "table": "orders"}"#,
                r#"{"estimated_bytes": 1000, "is_building": 0}"#,
                "{}",
            ),
            (
                "invalid_indexes",
                r#"{"schema": "public", "index": "under_way", "table": "orders"}"#,
                r#"{"estimated_bytes": 1000, "is_building": 1}"#,
                "{}",
            ),
            (
                "unindexed_foreign_keys",
                r#"{"schema": "public", "table": "lines", "foreign_key": "of_order"}"#,
                r#"{"estimated_rows": 2000000, "estimated_bytes": 1000}"#,
                r#"{"columns": "order_id", "referenced_table": "public.orders"}"#,
            ),
        ] {
            room.run(&format!(
                "select made.sample('shop', '{collector}', '{names}', now() - interval '5 minutes', '{numbers}', '{texts}')"
            ))
            .await;
        }
        let rows = room.shown("index_usage").await;
        let found: Vec<_> = texts(&rows, ["finding", "severity", "advice"])
            .into_iter()
            .collect();
        assert_eq!(found.len(), 3, "{found:#?}");
        for (finding, severity, advice) in [
            (
                "duplicate index",
                "info",
                r#"drop index concurrently public."Twice""#,
            ),
            (
                "invalid index",
                "warning",
                "reindex index concurrently public.failed",
            ),
            (
                "foreign key without index",
                "warning",
                "create index concurrently on public.lines (order_id)",
            ),
        ] {
            let of = found.iter().find(|row| row[0] == finding).unwrap();
            assert_eq!(of[1], severity);
            assert!(of[2].contains(advice), "{of:?}");
        }
    }
}
