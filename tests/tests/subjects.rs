//! What the files in `sql/collectors/` ask for is read by the real component and stored under the names of its columns.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use integration_tests::monitored::COLLECTOR_PASSWORD;
use integration_tests::{Application, DedicatedServer, Monitored, test_versions};
use store::collectors::{ALL, Keeps, TargetKind};
use store::logins::Login;

struct Room {
    server: DedicatedServer,
    monitored: Monitored,
    application: Application,
}

impl Room {
    async fn new(version: u32) -> Room {
        let server = DedicatedServer::start_with(version, &[("synchronous_commit", "on")])
            .await
            .unwrap();
        let collector = server.url_as(Login::Collector.role(), COLLECTOR_PASSWORD, "postgres");
        let monitored = Monitored::at(&server.url("postgres"), &collector).await.unwrap();
        let application = Application::builder(monitored.url())
            .without_other_schedules()
            .start()
            .await
            .unwrap();
        Room {
            server,
            monitored,
            application,
        }
    }

    async fn post(&self, path: &str) {
        let answer = self.application.post(path).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.json().unwrap()["outcome"], "ok", "{}", answer.body);
    }

    async fn collect(&self) {
        self.post("/collect-stats").await;
    }

    async fn number(&self, sql: &str) -> i64 {
        self.monitored.number(sql).await.unwrap()
    }

    async fn run(&self, sql: &str) {
        self.monitored.run(sql).await.unwrap();
    }
}

#[tokio::test]
async fn every_collector_is_read_and_has_its_views_on_every_version() {
    for version in test_versions() {
        let room = Room::new(version).await;
        room.collect().await;
        room.collect().await;
        let scheduled = ALL
            .iter()
            .filter(|collector| collector.interval.is_some() && collector.target == TargetKind::Postgres)
            .count();
        let known = "select count(*) from monitoring.collector_status";
        assert_eq!(room.number(known).await, i64::try_from(scheduled).unwrap());
        // What a version, a right or an extension lacks is said in a word that others can go by.
        let unexplained = "select count(*) from monitoring.collector_status where outcome = 'failed' or outcome = 'skipped' \
                           and reason !~ '^(not_in_this_version|missing_extension|missing_privilege): '";
        assert_eq!(room.number(unexplained).await, 0, "on {version}");
        for collector in ALL.iter().filter(|collector| collector.keeps != Keeps::Own) {
            for view in ["history", "now"] {
                let sql = format!("select count(*) from monitoring.{}_{view}", collector.name);
                assert!(room.number(&sql).await >= 0);
            }
        }
        let now = "select count(*) from monitoring.settings_now where setting = 'max_connections' and value = '100'";
        assert_eq!(room.number(now).await, 1, "on {version}");
        room.application.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_text_that_changes_leaves_a_trace_and_the_first_reading_none() {
    let room = Room::new(test_versions()[0]).await;
    room.run("alter system set work_mem = '5MB'").await;
    room.run("select pg_reload_conf()").await;
    room.collect().await;
    assert_eq!(
        room.number("select count(*) from monitoring.subject_changes")
            .await,
        0
    );
    room.run("alter system set work_mem = '7MB'").await;
    room.run("select pg_reload_conf()").await;
    room.monitored
        .until("the new setting", "select current_setting('work_mem') = '7MB'")
        .await
        .unwrap();
    for _ in 0..2 {
        room.collect().await;
    }
    let changes = "select count(*) from monitoring.subject_changes join monitoring.subjects using (subject_id) \
                   where labels ->> 'setting' = 'work_mem' and change = 'changed' \
                   and before ->> 'value' = '5120' and after ->> 'value' = '7168'";
    assert_eq!(room.number(changes).await, 1);
}

#[tokio::test]
async fn what_comes_and_goes_is_told_and_a_crash_makes_nothing_of_it() {
    let mut room = Room::new(test_versions()[0]).await;
    room.run("create extension pgstattuple").await;
    room.collect().await;
    room.run("drop extension pgstattuple").await;
    room.run("create extension tablefunc").await;
    // The last reading is unlogged: after a crash there is none to compare with.
    room.server.crash().await.unwrap();
    room.server.start_again().await.unwrap();
    room.collect().await;
    let told = |name: &str, change: &str| {
        format!(
            "select count(*) from monitoring.subject_changes join monitoring.subjects using (subject_id) \
             where labels ->> 'extension' = '{name}' and change = '{change}'"
        )
    };
    assert_eq!(room.number(&told("pgstattuple", "disappeared")).await, 1);
    assert_eq!(room.number(&told("tablefunc", "appeared")).await, 1);
    assert_eq!(
        room.number("select count(*) from monitoring.subject_changes")
            .await,
        2
    );
}

#[tokio::test]
async fn counters_are_exact_and_a_gap_is_a_gap() {
    let room = Room::new(test_versions()[0]).await;
    room.run("create table public.counted (n int4)").await;
    room.run("insert into public.counted select generate_series(1, 10)")
        .await;
    settle(&room).await;
    room.collect().await;
    room.run("insert into public.counted select generate_series(1, 7)")
        .await;
    settle(&room).await;
    room.collect().await;
    let inserted = "select coalesce(sum(rows_inserted), -1)::int8 from monitoring.tables_history where \"table\" = 'counted'";
    assert_eq!(room.number(inserted).await, 7);
    let live = "select live_rows::int8 from monitoring.tables_now where \"table\" = 'counted'";
    assert_eq!(room.number(live).await, 17);
}

/// Waits until the server has told all others what was counted, which it does after the transaction.
async fn settle(room: &Room) {
    room.run("select pg_stat_clear_snapshot()").await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
}

#[tokio::test]
async fn slow_collectors_wait_for_their_time_unless_everything_is_asked_for() {
    let room = Room::new(test_versions()[0]).await;
    room.collect().await;
    let newest = |collector: &str| {
        format!(
            "select (extract(epoch from at) * 1000000)::int8 from monitoring.collector_status where collector = '{collector}'"
        )
    };
    let (settings, waits) = (
        room.number(&newest("settings")).await,
        room.number(&newest("waits")).await,
    );
    room.run("update monitoring.target_state set next_collection_at = null")
        .await;
    room.post("/collect-stats?due").await;
    assert_eq!(room.number(&newest("settings")).await, settings);
    assert!(room.number(&newest("waits")).await > waits);

    room.run("update monitoring.collectors set enabled = false where collector = 'waits'")
        .await;
    let waits = room.number(&newest("waits")).await;
    room.collect().await;
    assert!(room.number(&newest("settings")).await > settings);
    assert_eq!(room.number(&newest("waits")).await, waits);

    room.run("update monitoring.collectors set custom_interval_seconds = 1 where collector = 'settings'")
        .await;
    let settings = room.number(&newest("settings")).await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    room.run("update monitoring.target_state set next_collection_at = null")
        .await;
    room.post("/collect-stats?due").await;
    assert!(room.number(&newest("settings")).await > settings);
}
