//! The whole way: the component reads, and what it read is in the views by name.

use db::Client as _;
use integration_tests::monitored::{COLLECTOR_PASSWORD, Monitored};
use integration_tests::{Application, DedicatedServer, test_versions};
use store::logins::Login;

pub(crate) struct Room {
    pub(crate) server: DedicatedServer,
    pub(crate) monitored: Monitored,
    pub(crate) application: Application,
}

impl Room {
    pub(crate) async fn new(version: u32) -> Room {
        // Without it what was just written is not yet at any position of the log.
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
        // All collectors at once take their time on a busy machine.
        let patient = "update monitoring.targets set timeout_ms = 60000";
        monitored.run(patient).await.unwrap();
        Room {
            server,
            monitored,
            application,
        }
    }

    /// Reads everything, due or not.
    pub(crate) async fn collect(&self) -> serde_json::Value {
        let answer = self.application.post("/collect-stats").await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json().unwrap()
    }

    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.monitored.number(sql).await.unwrap()
    }

    /// The collectors that failed, with their reasons.
    pub(crate) async fn failures(&self) -> Vec<String> {
        let sql = "select coalesce(array_agg(collector || ': ' || reason), '{}')::text[] \
                   from monitoring.collector_status where outcome = 'failed'";
        let admin = self.monitored.admin().await.unwrap();
        let rows = admin.query(sql, &[]).await.unwrap();
        rows.one().unwrap().at(0).unwrap()
    }

    /// How many collectors came to an outcome, by a condition on its reason.
    async fn outcomes(&self, outcome: &str, condition: &str) -> i64 {
        self.number(&format!(
            "select count(*) from monitoring.collector_status where outcome = '{outcome}' and {condition}"
        ))
        .await
    }
}

#[tokio::test]
async fn samples_and_changes_are_read_by_name() {
    for version in test_versions() {
        let room = Room::new(version).await;
        room.collect().await;
        assert_eq!(room.failures().await, Vec::<String>::new(), "on {version}");
        let unfit = "reason not like 'not_in_this_version: %' and reason not like 'missing_extension: %'";
        assert_eq!(room.outcomes("skipped", unfit).await, 0);

        for statement in [
            "alter system set work_mem = '7MB'",
            "select pg_reload_conf()",
            "create table public.logged as select generate_series(1, 10000) as n",
        ] {
            room.monitored.run(statement).await.unwrap();
        }
        // Another session than the one that was told of the change sees it a moment later.
        let told = "select exists (select from pg_settings where name = 'work_mem' and setting = '7168')";
        room.monitored.until("the new setting", told).await.unwrap();
        room.collect().await;
        assert_eq!(room.failures().await, Vec::<String>::new(), "on {version}");

        let written =
            "select coalesce(sum(position_bytes), 0)::int8 from monitoring.wal_history where interval_ms > 0";
        assert!(room.number(written).await > 10_000 * 60);
        let kept = "select count(*) from monitoring.database_sizes_history where database = 'postgres' and size_bytes > 0";
        assert_eq!(room.number(kept).await, 2, "a sample of every reading");
        let segments = "select segments from monitoring.wal_directory_now";
        let on_disk = "select count(*) from pg_ls_waldir() where length(name) = 24";
        assert_eq!(room.number(segments).await, room.number(on_disk).await);
        let locks = "select count(*) from monitoring.locks_now where database = 'postgres'";
        assert_eq!(room.number(locks).await, 9);

        let setting = "select count(*) from monitoring.settings_now \
                       where setting = 'work_mem' and value = '7168' and unit = 'kB'";
        assert_eq!(room.number(setting).await, 1);
        let change = "select count(*) from monitoring.subject_changes as c join monitoring.subjects as s using (subject_id) \
                      where s.labels ->> 'setting' = 'work_mem' and c.change = 'changed' \
                      and c.before ->> 'value' = '4096' and c.after ->> 'value' = '7168'";
        assert_eq!(room.number(change).await, 1);
        let all = "select count(*) from monitoring.subject_changes as c join monitoring.subjects as s using (subject_id) \
                   join monitoring.collectors as k using (collector_id) where k.collector = 'settings' and c.change = 'changed'";
        assert_eq!(room.number(all).await, 1, "nothing but what changed");
        room.application.stop().await.unwrap();
    }
}

#[tokio::test]
async fn what_the_login_may_not_read_is_named_and_everything_else_goes_on() {
    let room = Room::new(test_versions()[0]).await;
    room.monitored
        .run("revoke pg_monitor from pgvitals_collector")
        .await
        .unwrap();
    room.collect().await;
    let missing = "collector in ('wal_directory', 'connections', 'settings', 'replication') \
                   and reason like 'missing_privilege: grant pg_monitor to the login%'";
    assert_eq!(room.outcomes("skipped", missing).await, 4);
    assert_eq!(room.failures().await, Vec::<String>::new());
    let others = "collector in ('checkpoints', 'wal', 'archiver', 'locks', 'roles', 'slru', 'wraparound')";
    let went_on = room.outcomes("ok", others).await + room.outcomes("no_data", others).await;
    assert_eq!(went_on, 7);

    // A provider may have taken a single function away: that costs the one collector that needs it.
    for statement in [
        "grant pg_monitor to pgvitals_collector",
        "revoke execute on function pg_ls_waldir() from pg_monitor",
    ] {
        room.monitored.run(statement).await.unwrap();
    }
    room.collect().await;
    assert_eq!(room.failures().await, Vec::<String>::new());
    let refused = "collector = 'wal_directory' and reason like 'missing_privilege: %pg_ls_waldir%'";
    assert_eq!(room.outcomes("skipped", refused).await, 1);
    assert_eq!(
        room.outcomes("skipped", "reason like 'missing_privilege: %'")
            .await,
        1
    );
    let connections = "select count(*) from monitoring.connections_now where state = 'idle' and sessions > 0";
    assert!(room.number(connections).await > 0);
    room.application.stop().await.unwrap();
}
