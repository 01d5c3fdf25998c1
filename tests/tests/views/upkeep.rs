//! Vacuum, wraparound, bloat and sequences.

use crate::{assert_near, rooms, row, texts};

#[tokio::test]
async fn tables_that_vacuum_does_not_keep_up_with_are_told_of_with_the_reason() {
    for room in rooms("vacuum", 2).await {
        for (table, pressure, analyze, freeze, disabled, dead) in [
            ("fine", 900, 500, 300, 0, 5_000),
            ("behind", 6_000, 500, 300, 0, 60_000),
            ("small", 6_000, 500, 300, 0, 60),
            ("stale", 100, 2_500, 300, 0, 10),
            ("off", 1_500, 100, 300, 1, 50_000),
            ("old", 100, 100, 1_300, 0, 10),
        ] {
            room.run(&format!(
                "select made.sample('shop', 'vacuum', jsonb_build_object('schema', 'public', 'table', '{table}'),
                          now() - interval '10 minutes', jsonb_build_object(
                            'vacuum_pressure_permille', {pressure}, 'analyze_pressure_permille', {analyze},
                            'freeze_pressure_permille', {freeze}, 'autovacuum_disabled', {disabled})),
                        made.sample('shop', 'tables', jsonb_build_object('schema', 'public', 'table', '{table}'),
                          now() - interval '10 minutes', jsonb_build_object(
                            'dead_rows', {dead}, 'live_rows', 100000, 'estimated_bytes', 1000000,
                            'last_autovacuum_at_seconds', 1700000000))"
            ))
            .await;
        }
        let mut found = texts(
            &room.shown("vacuum_needs").await,
            ["table_name", "needs", "severity"],
        );
        found.sort();
        assert_eq!(
            found,
            [
                ["public.behind", "vacuum", "warning"],
                ["public.off", "vacuum", "warning"],
                ["public.old", "freeze", "critical"],
                ["public.stale", "analyze", "info"],
            ]
        );
        let rows = room.shown("vacuum_needs").await;
        let advice = |table| {
            row(&rows, "table_name", table)["advice"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        assert!(advice("public.off").contains("reset (autovacuum_enabled)"));
        assert!(advice("public.behind").contains("autovacuum_vacuum_scale_factor"));

        room.run(
            "select made.sample('shop', 'xmin_horizon', '{\"holder\": \"replication_slot\", \"name\": \"left_behind\"}',
                                now() - interval '10 seconds', '{\"age_xids\": 5000000}')",
        )
        .await;
        let rows = room.shown("vacuum_needs").await;
        assert_eq!(
            row(&rows, "table_name", "public.behind")["held_by"],
            "replication_slot left_behind"
        );
    }
}

#[tokio::test]
async fn wraparound_has_a_day_at_the_present_rate_also_across_a_vacuum() {
    for room in rooms("wraparound", 6).await {
        // Ten million a day; a vacuum two days ago took four hundred million away.
        room.run(
            "select made.sample('shop', 'wraparound', '{\"database\": \"shop\"}', at,
                      jsonb_build_object('xid_age_xids', age, 'left_xids', 2144483648 - age, 'freeze_max_age_xids', 200000000,
                                         'multixact_age_mxids', 10, 'left_mxids', 2144483638,
                                         'multixact_freeze_max_age_mxids', 400000000))
               from generate_series(now() - interval '5 days', now(), interval '20 minutes') as at,
                    lateral (
                      select (1900000000 - extract(epoch from now() - at) / 86400 * 10000000)::int8
                             + case when at < now() - interval '2 days' then 400000000 else 0 end as age
                    ) as a",
        )
        .await;
        let rows = room.shown("wraparound_forecast").await;
        let of_transactions = row(&rows, "ids", "transactions");
        assert_eq!(of_transactions["severity"], "critical");
        assert_near(of_transactions, "used_per_day", 1e7, 0.02);
        assert_near(of_transactions, "days_until_stop", 24.4, 0.03);
        assert_near(of_transactions, "days_until_forced_vacuum", 0.0, 0.0);
        assert!(
            of_transactions["advice"]
                .as_str()
                .unwrap()
                .contains("age(relfrozenxid)")
        );
        assert_eq!(row(&rows, "ids", "multixacts")["severity"], "ok");
    }
}

#[tokio::test]
async fn bloat_is_an_estimate_with_a_history_and_what_cannot_be_seen_is_not_known() {
    for room in rooms("bloat", 9).await {
        room.run(
            "select made.sample('shop', 'table_bloat', jsonb_build_object('schema', 'public', 'table', v.table_name),
                      now() - v.days * interval '1 day' - interval '1 minute',
                      jsonb_build_object('table_bytes', 100000000, 'bloat_bytes', v.bytes, 'bloat_permille', v.bytes / 100000))
               from (values ('grows', 10000000, 7), ('grows', 60000000, 0), ('tight', 100000, 0))
                 as v (table_name, bytes, days)",
        )
        .await;
        room.run(
            "select made.sample('shop', 'table_bloat', '{\"schema\": \"public\", \"table\": \"hidden\"}',
                                now() - interval '1 minute', '{\"table_bytes\": 100000000}',
                                '{\"unknown_because\": \"no select on the table\"}')",
        )
        .await;
        room.run(
            "select made.sample('shop', 'index_bloat',
                                '{\"schema\": \"public\", \"table\": \"tight\", \"index\": \"Wide\"}', now() - interval '1 minute',
                                '{\"index_bytes\": 100000000, \"bloat_bytes\": 40000000, \"bloat_permille\": 400}')",
        )
        .await;
        let rows = room.shown("bloat").await;
        assert_eq!(
            texts(
                &rows,
                ["table_name", "severity", "bloat_bytes", "bloat_bytes_week_ago"]
            ),
            [
                ["public.grows", "warning", "60000000", "10000000"],
                ["public.tight", "info", "40000000", "null"],
                ["public.hidden", "unknown", "null", "null"],
            ]
        );
        assert!(
            rows[0]["advice"]
                .as_str()
                .unwrap()
                .contains("pgstattuple_approx('public.grows')")
        );
        assert_eq!(rows[1]["advice"], r#"reindex index concurrently public."Wide""#);
    }
}

#[tokio::test]
async fn a_sequence_is_near_its_end_by_what_is_used_or_by_when() {
    for room in rooms("sequences", 31).await {
        room.run(
            "select made.sample('shop', 'sequences', jsonb_build_object('schema', 'public', 'sequence', v.name),
                      now() - d.days * interval '1 day' - interval '1 minute',
                      jsonb_build_object('used_permille', v.permille, 'remaining', v.remaining + v.per_day * d.days, 'cycles', 0))
               from (values ('full', 950, 100000000, 10), ('fast', 300, 1000000000, 20000000), ('fine', 100, 1900000000, 10))
                      as v (name, permille, remaining, per_day)
               cross join (values (0), (1), (7), (30)) as d (days)",
        )
        .await;
        room.run(
            "select made.sample('shop', 'sequences', '{\"schema\": \"public\", \"sequence\": \"round\"}',
                                now() - interval '1 minute', '{\"used_permille\": 990, \"remaining\": 5, \"cycles\": 1}'),
                    made.sample('shop', 'sequences', '{\"schema\": \"public\", \"sequence\": \"hidden\"}',
                                now() - interval '1 minute', '{\"cycles\": 0}')",
        )
        .await;
        let rows = room.shown("sequences_near_end").await;
        assert_eq!(
            texts(&rows, ["sequence", "severity"]),
            [
                ["public.full", "critical"],
                ["public.fast", "warning"],
                ["public.hidden", "unknown"]
            ]
        );
        assert_near(
            row(&rows, "sequence", "public.fast"),
            "days_until_end",
            50.0,
            0.01,
        );
    }
}
