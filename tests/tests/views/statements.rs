//! Statements: who became slower, who could move to a replica, who writes temporary files.

use crate::{Room, assert_near, rooms, row, texts};

/// Forty statements that share the time evenly, every twenty minutes for a week, with the means of each going up and
/// down by a fifth; `factor` makes one of them slower.
async fn a_week_of_statements(room: &Room, factor: &str) {
    room.run("select setseed(0.42)").await;
    room.run(
        "select made.statement('shop', number, 'select ' || number) from generate_series(1, 40) as number",
    )
    .await;
    // In one statement, as `made.ran` would take a minute for so many.
    room.run(&format!(
        "insert into monitoring.statement_samples
         select target_id, statement_id, at, 1200000, calls, 0, (calls * mean_us)::int8, calls, calls * 10, 0, 0, 0, 0, 0,
                0, 0, 0
           from (
             select k.target_id, k.statement_id, at, 20 + (random() * 20)::int8 as calls,
                    10000 * (0.8 + random() * 0.4) * ({factor}) as mean_us
               from monitoring.statements as k,
                    generate_series(now() - interval '7 days', now() - interval '1 second', interval '20 minutes') as at
           ) as made"
    ))
    .await;
}

#[tokio::test]
async fn the_one_statement_that_became_slower_is_found_with_its_hour() {
    for room in rooms("slower", 8).await {
        // At the half hour before 30 hours ago: from that hour on.
        a_week_of_statements(
            &room,
            "case when k.query_id = 7 and at >= date_trunc('hour', now(), 'UTC') - interval '30 hours' then 3 else 1 end",
        )
        .await;
        let rows = room.shown("slow_statements").await;
        assert_eq!(texts(&rows, ["severity", "query"]), [["critical", "select 7"]]);
        assert_near(&rows[0], "times_slower", 3.0, 0.05);
        assert_near(&rows[0], "mean_ms_before", 10.0, 0.05);
        assert_near(&rows[0], "mean_ms_now", 30.0, 0.2);
        let since = room
            .moment("to_jsonb(date_trunc('hour', now(), 'UTC') - interval '30 hours') #>> '{}'")
            .await;
        assert_eq!(rows[0]["since"], since);
        assert!(rows[0]["advice"].as_str().unwrap().contains("wait_profile"));

        // The past has not seen it yet, and the roll-ups give the same answer as the samples.
        let before = room.moment("now() - interval '40 hours'").await;
        assert_eq!(room.shown_at("slow_statements", Some(&before)).await, []);
        let then = room.moment("now() - interval '10 hours'").await;
        let of_samples = room.shown_at("slow_statements", Some(&then)).await;
        assert_eq!(texts(&of_samples, ["query", "since"]), [["select 7", &since]]);
        room.roll_up().await;
        room.run("delete from monitoring.statement_samples where sampled_at < now() - interval '12 hours'")
            .await;
        assert_eq!(room.shown_at("slow_statements", Some(&then)).await, of_samples);
        assert_eq!(room.shown("slow_statements").await, rows);
    }
}

#[tokio::test]
async fn noise_a_slow_hour_and_what_is_slow_every_day_are_not_told_of() {
    for room in rooms("noise", 8).await {
        a_week_of_statements(
            &room,
            "case
               -- A bad hour long ago, one that has just begun, a report at this time of each day, and ten percent.
               when k.query_id = 8 and at between now() - interval '60 hours' and now() - interval '59 hours' then 20
               when k.query_id = 9 and at >= date_trunc('hour', now(), 'UTC') then 20
               when k.query_id = 10
                 and mod((extract(epoch from now() - at) / 3600)::int8, 24) in (0, 23) then 5
               when k.query_id = 11 and at >= now() - interval '20 hours' then 1.1
               else 1
             end",
        )
        .await;
        let rows = room.shown("slow_statements").await;
        assert_eq!(texts(&rows, ["query", "since"]), Vec::<[String; 2]>::new());
    }
}

#[tokio::test]
async fn a_statement_is_told_of_only_when_it_matters_and_ran_often_enough() {
    for room in rooms("matters", 8).await {
        a_week_of_statements(&room, "1").await;
        room.run("select made.statement('shop', number, 'select ' || number) from generate_series(201, 203) as number")
            .await;
        // Five times slower, but: 0.05 ms, or three calls in a week, or not asked for since yesterday.
        room.run(
            "select made.ran(k.statement_id, at, v.calls, v.mean * case when at > now() - interval '2 days' then 5 else 1 end)
               from (values (201, 100, 0.05, '1 hour', '1 second'), (202, 1, 90, '56 hours', '1 second'),
                     (203, 100, 90, '1 hour', '24 hours')) as v (id, calls, mean, every, ended)
               join monitoring.statements as k on k.query_id = v.id
               cross join lateral generate_series(
                 now() - interval '7 days', now() - v.ended::interval, v.every::interval) as at",
        )
        .await;
        assert_eq!(room.shown("slow_statements").await, []);
    }
}

#[tokio::test]
async fn what_changed_with_a_slower_statement_says_where_to_look() {
    for room in rooms("causes", 3).await {
        room.run(
            "select made.statement('shop', number, 'select ' || number) from generate_series(1, 2) as number",
        )
        .await;
        room.run(
            "select made.ran(k.statement_id, at, 50, slower * 20,
                             case when k.query_id = 1 then slower * 100 else 100 end)
               from monitoring.statements as k,
                    generate_series(now() - interval '2 days', now() - interval '1 second', interval '10 minutes') as at,
                    lateral (select case when at > now() - interval '10 hours' then 4 else 1 end as slower) as f",
        )
        .await;
        let rows = room.shown("slow_statements").await;
        let plan = row(&rows, "query", "select 1");
        assert!(
            plan["advice"].as_str().unwrap().contains("its plan changed"),
            "{plan:#?}"
        );
        assert_near(plan, "blocks_factor", 4.0, 0.1);
        let waits = row(&rows, "query", "select 2");
        assert!(
            waits["advice"].as_str().unwrap().contains("waits for locks"),
            "{waits:#?}"
        );
    }
}

#[tokio::test]
async fn only_what_reads_and_takes_time_is_a_candidate_for_a_replica() {
    for room in rooms("candidates", 2).await {
        room.run(
            "select made.ran(made.statement('shop', v.id, v.query), now() - interval '1 hour', 1000, v.ms, 10, v.wal)
               from (values
                 (1, 'select * from orders where id = $1', 60, 0),
                 (2, '/* app */ select 1', 30, 0),
                 (3, 'with gone as (delete from orders returning *) select * from gone', 100, 900000),
                 (4, 'select * from orders where id = $1 for update', 100, 0),
                 (5, 'update orders set x = $1', 100, 5000000),
                 (6, 'select write_something($1)', 100, 5000000),
                 (7, 'select $1', 0.01, 0),
                 (8, '(select a from t) union select updated_at from t', 20, 0)
               ) as v (id, query, ms, wal)",
        )
        .await;
        let rows = room.shown("replica_candidates").await;
        assert_eq!(
            texts(&rows, ["query_id", "priority", "replicas"]),
            [["1", "high", "0"], ["2", "medium", "0"], ["8", "medium", "0"]]
        );
        assert_near(&rows[0], "share_of_time_percent", 100.0 * 60.0 / 510.0, 0.01);

        room.run(
            "select made.sample('shop', 'replication', '{\"application\": \"standby\"}', now() - interval '5 seconds',
                                '{\"replay_lag_us\": 2500000, \"replay_lag_bytes\": 1000}')",
        )
        .await;
        let rows = room.shown("replica_candidates").await;
        assert_eq!(texts(&rows[..1], ["replicas"]), [["1"]]);
        assert!(rows[0]["advice"].as_str().unwrap().contains("2.5 s ago"));
    }
}

#[tokio::test]
async fn temporary_files_are_traced_to_the_statements_that_write_them() {
    for room in rooms("temp_files", 3).await {
        room.run(
            "select made.database('shop', at, 100, 0, 0, 500000000)
               from generate_series(now() - interval '20 hours', now() - interval '1 second', interval '10 minutes') as at",
        )
        .await;
        room.run(
            "select made.ran(made.statement('shop', id, 'select ' || id), now() - interval '1 hour', 10, 100, 10, 0, blocks)
               from (values (1, 300000), (2, 100)) as v (id, blocks)",
        )
        .await;
        let rows = room.shown("temp_file_use").await;
        assert_eq!(
            texts(&rows, ["what", "severity", "query_id"]),
            [["database", "info", "null"], ["statement", "ok", "1"]]
        );
        assert_near(&rows[0], "bytes_per_hour", 3e9, 0.01);
        assert_near(&rows[1], "bytes_per_call", 300_000.0 * 8192.0 / 10.0, 0.01);
        assert!(
            rows[1]["advice"]
                .as_str()
                .unwrap()
                .contains("set local work_mem = '235MB'")
        );
    }
}
