//! Growth of databases, tables and calls.

use crate::{assert_near, rooms, row, texts};

#[tokio::test]
async fn growth_is_told_week_over_week_and_month_over_month() {
    for room in rooms("growth", 32).await {
        // 25 % and 5 % in a month, and a database that is a week old.
        room.run(
            "select made.sample('shop', 'database_sizes', jsonb_build_object('database', v.database),
                      at - interval '90 minutes', jsonb_build_object('size_bytes', (1e9 * v.factor ^ (1 - days / 30.0))::int8))
               from (values ('grows', 1.25, 31), ('rests', 1.05, 31), ('young', 9, 3)) as v (database, factor, age),
                    lateral generate_series(0, v.age) as days, lateral (select now() - days * interval '1 day' as at) as a",
        )
        .await;
        room.run(
            "select made.sample('shop', 'relation_sizes', '{\"schema\": \"public\", \"table\": \"orders\"}',
                      now() - days * interval '1 day' - interval '90 minutes',
                      jsonb_build_object('table_bytes', 200000000 - days * 4000000, 'index_bytes', 100000000))
               from generate_series(0, 31) as days",
        )
        .await;
        for rolled_up in [false, true] {
            if rolled_up {
                room.roll_up().await;
                room.run("delete from monitoring.samples where sampled_at < now() - interval '2 days'")
                    .await;
            }
            let rows = room.shown("growth").await;
            assert_eq!(
                texts(&rows, ["subject", "what", "severity"]),
                [
                    ["public.orders", "table", "info"],
                    ["grows", "database", "info"],
                    ["rests", "database", "ok"],
                    ["young", "database", "unknown"],
                ],
                "rolled up: {rolled_up}"
            );
            assert_near(row(&rows, "subject", "grows"), "month_percent", 25.0, 0.01);
            assert_near(
                row(&rows, "subject", "public.orders"),
                "month_percent",
                100.0 * 120.0 / 180.0,
                0.01,
            );
            assert_near(row(&rows, "subject", "public.orders"), "per_day", 4e6, 0.01);
        }
    }
}

#[tokio::test]
async fn calls_are_compared_only_with_weeks_that_were_seen_whole() {
    for room in rooms("calls", 16).await {
        room.run("select made.statement('shop', 1, 'select 1')").await;
        room.run(
            "select made.ran(k.statement_id, date_trunc('day', now(), 'UTC') - days * interval '1 day' + interval '1 hour',
                             case when days <= 7 then 1600 else 1000 end, 1)
               from monitoring.statements as k, generate_series(1, 13) as days",
        )
        .await;
        let rows = room.shown("growth").await;
        assert_eq!(
            texts(&rows, ["what", "severity", "now"]),
            [["calls", "unknown", "11200"]]
        );
        room.run(
            "select made.ran(k.statement_id, date_trunc('day', now(), 'UTC') - interval '14 days', 1000, 1)
               from monitoring.statements as k",
        )
        .await;
        let rows = room.shown("growth").await;
        assert_eq!(texts(&rows, ["severity", "unit"]), [["info", "calls a week"]]);
        assert_near(&rows[0], "week_percent", 60.0, 0.001);
        room.roll_up().await;
        assert_eq!(room.shown("growth").await, rows, "roll-ups give the same answer");
    }
}
