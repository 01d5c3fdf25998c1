//! The counters of statements.

use integration_tests::test_versions;

use crate::{COUNTED, Room};

/// How many calls the server itself counts of the counted statement.
const SHOWN: &str =
    "select coalesce(sum(calls), 0)::int8 from pg_stat_statements where query like '%counted_by_the_test%'";

impl Room {
    /// Runs more statements than the server keeps, each more often than what is to be evicted ever ran.
    async fn evict(&self, times: usize) {
        self.batch(&format!(
            "do $$ begin for number in 1 .. 120 loop for time in 1 .. {times} loop \
             execute 'select c' || number || ' from wide'; end loop; end loop; end $$"
        ))
        .await;
        assert_eq!(self.number(SHOWN).await, 0, "the statement was not evicted");
        // They make room, so that what returns stays.
        self.batch(
            "select pg_stat_statements_reset(userid, dbid, queryid) from pg_stat_statements \
             where query like '%from wide%'",
        )
        .await;
    }
}

#[tokio::test]
async fn a_statement_that_was_evicted_and_returned_is_not_counted_twice() {
    for version in test_versions() {
        let room = Room::new(version, &[("pg_stat_statements.max", "100")]).await;
        let tells_beginnings = version >= 17;
        let columns: Vec<String> = (1..=120).map(|number| format!("c{number} int4")).collect();
        room.batch(&format!("create table wide ({})", columns.join(", ")))
            .await;
        room.run(10).await;
        room.collect().await;
        room.run(20).await;
        room.collect().await;
        assert_eq!(room.stored().await, 20, "on {version}");

        // Back with more calls than before: without beginnings that looks as if it had never been away.
        room.run(1).await;
        room.evict(80).await;
        room.run(200).await;
        room.collect().await;
        let stored = room.stored().await;
        if tells_beginnings {
            assert_eq!(stored, 220, "on {version}");
        } else {
            assert!((20..=220).contains(&stored), "{stored} calls on {version}");
        }
        // No mean lies outside of what was executed: a look into the catalog takes less than a second.
        let spikes =
            "select count(*) from monitoring.statement_samples where exec_us > greatest(calls, 1) * 1000000";
        assert_eq!(room.number(spikes).await, 0, "on {version}");

        // Back with fewer.
        room.evict(500).await;
        room.run(50).await;
        room.collect().await;
        let returned = if tells_beginnings { 50 } else { 0 };
        assert_eq!(room.stored().await, stored + returned, "on {version}");
        room.run(7).await;
        room.collect().await;
        assert_eq!(room.stored().await, stored + returned + 7, "on {version}");
        let evictions = "select count(*) from pg_stat_statements_info where dealloc > 0";
        if version >= 14 {
            assert_eq!(room.number(evictions).await, 1);
        }
    }
}

#[tokio::test]
async fn a_statement_that_is_reset_alone_leaves_the_others_as_they_are() {
    for version in test_versions() {
        let room = Room::new(version, &[]).await;
        let other = "select count(*) as another_of_the_test from pg_class";
        for _ in 0..5 {
            room.run(1).await;
            room.batch(other).await;
        }
        room.collect().await;
        room.batch(
            "select pg_stat_statements_reset(userid, dbid, queryid) from pg_stat_statements \
             where query like '%counted_by_the_test%'",
        )
        .await;
        room.run(3).await;
        room.batch(other).await;
        room.collect().await;
        let stored = room.stored().await;
        assert_eq!(stored, if version >= 17 { 3 } else { 0 }, "on {version}");
        let others = "select sum(sample.calls)::int8 from monitoring.statement_samples as sample \
                      join monitoring.statements using (statement_id) where query like '%another_of_the_test%'";
        assert_eq!(room.number(others).await, 1);
        room.run(4).await;
        room.collect().await;
        assert_eq!(room.stored().await, stored + 4);
    }
}

#[tokio::test]
async fn every_version_of_the_extension_is_counted_right() {
    let room = Room::new(test_versions()[0], &[]).await;
    room.batch(&format!(
        "create function nested() returns int8 language sql as $$ {COUNTED} $$"
    ))
    .await;
    let mut expected = 0;
    for version in room.extension_versions("1.4").await {
        let version = version.as_str();
        room.batch("drop extension pg_stat_statements").await;
        room.batch(&format!(
            "create extension pg_stat_statements version '{version}'"
        ))
        .await;
        room.collect().await;
        // The counters are the server's and stay, whatever the version that shows them: that is all there is to know.
        let before = room.stored().await;
        room.run(3).await;
        room.batch("select nested()").await;
        room.collect().await;
        expected += 4;
        let nested_alone = "select count(*) from monitoring.statements where query like '%counted_by_the_test%' and not top_level";
        assert_eq!(room.stored().await - before, 4, "version {version}");
        let keeps_apart = ["1.9", "1.10", "1.11", "1.12"].contains(&version);
        assert_eq!(
            room.number(nested_alone).await > 0,
            keeps_apart,
            "version {version}"
        );
        check_what_is_measured(&room, version).await;
    }
    assert!(room.stored().await >= expected);
}

/// What a version does not have is null, and what it has is not.
async fn check_what_is_measured(room: &Room, version: &str) {
    let minor: u32 = version.trim_start_matches("1.").parse().unwrap();
    for (column, since) in [
        ("exec_us", 4),
        ("exec_squares", 4),
        ("local_hit", 4),
        ("read_us", 4),
        ("wal_records", 8),
        ("wal_full_page_images", 8),
        ("wal_bytes", 8),
        ("temp_read_us", 10),
        ("jit_functions", 10),
        ("jit_us", 10),
        ("local_read_us", 11),
    ] {
        let sql = format!(
            "select count({column}) from monitoring.statement_samples where sampled_at = \
             (select max(sampled_at) from monitoring.statement_samples)"
        );
        assert_eq!(
            room.number(&sql).await > 0,
            minor >= since,
            "{column} in version {version}"
        );
    }
}

#[tokio::test]
async fn an_update_of_the_extension_counts_nothing_twice() {
    let room = Room::new(test_versions()[0], &[]).await;
    room.batch("drop extension pg_stat_statements").await;
    room.batch("create extension pg_stat_statements version '1.9'")
        .await;
    room.run(10).await;
    room.collect().await;
    let mut expected = 0;
    for version in room.extension_versions("1.10").await {
        room.run(3).await;
        room.batch(&format!(
            "alter extension pg_stat_statements update to '{version}'"
        ))
        .await;
        room.collect().await;
        expected += 3;
        assert_eq!(room.stored().await, expected, "version {version}");
    }
}

#[tokio::test]
async fn what_no_setting_measures_is_not_known() {
    let settings = [
        ("track_io_timing", "off"),
        ("pg_stat_statements.track_planning", "off"),
    ];
    let room = Room::new(test_versions()[0], &settings).await;
    room.collect().await;
    room.run(3).await;
    room.collect().await;
    let counts = |column: &str| format!("select count({column}) from monitoring.statement_samples");
    for column in [
        "read_us",
        "write_us",
        "temp_read_us",
        "local_read_us",
        "plans",
        "plan_us",
    ] {
        assert_eq!(room.number(&counts(column)).await, 0, "{column}");
    }
    assert!(room.number(&counts("shared_hit")).await > 0);

    room.batch("alter system set track_io_timing = on").await;
    room.batch("alter system set pg_stat_statements.track_planning = on")
        .await;
    room.batch("select pg_reload_conf()").await;
    room.run(3).await;
    room.collect().await;
    for column in ["read_us", "temp_read_us", "plans", "plan_us"] {
        assert!(room.number(&counts(column)).await > 0, "{column}");
    }
}

#[tokio::test]
async fn the_standard_deviation_of_an_interval_is_recovered() {
    for version in test_versions() {
        let room = Room::new(version, &[]).await;
        let sleep =
            |milliseconds: u32| format!("select pg_sleep({milliseconds} / 1000.0) as slept_by_the_test");
        room.batch(&sleep(300)).await;
        room.collect().await;
        room.batch("select pg_stat_statements_reset()").await;
        // The same statement counts in two lives here; what the server says of the second alone is what must come out.
        room.batch(&sleep(5)).await;
        room.collect().await;
        room.batch(&sleep(200)).await;
        for milliseconds in [10, 20, 60, 110] {
            room.batch(&sleep(milliseconds)).await;
        }
        room.collect().await;
        // 200, 10, 20, 60 and 110 ms: a mean of 80 and a deviation of 70 ms; sleeping takes a little longer.
        let spread = "select round(monitoring.standard_deviation_ms(sample.calls, sample.exec_us, sample.exec_squares))::int8 \
                      from monitoring.statement_samples as sample join monitoring.statements using (statement_id) \
                      where query like '%slept_by_the_test%' and sample.calls = 5";
        let spread = room.number(spread).await;
        assert!((68..=72).contains(&spread), "{spread} ms on {version}");
    }
}
