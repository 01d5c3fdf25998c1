//! A PgBouncer is watched as it is: through its console, whatever it says or does not say.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use db::{Console, DbError, ErrorKind, SafeUrl};
use integration_tests::monitored::{COLLECTOR_PASSWORD, passwords};
use integration_tests::pgbouncer::{
    OTHER_PASSWORD, OTHER_USER, POOL_SIZE, PgBouncer, STATS_PASSWORD, STATS_USER,
};
use integration_tests::{Application, Database, Monitored, Server, test_versions};
use serde_json::{Value, json};
use store::collectors::TargetKind;
use store::targets::NewTarget;

/// The name of the PgBouncer among the targets.
const POOL: &str = "pool";

struct Room {
    database: Database,
    monitored: Monitored,
    bouncer: PgBouncer,
    application: Application,
}

impl Room {
    async fn new(version: u32, test: &str, user: &str, hosts: Option<&str>) -> Room {
        let server = Server::shared(version).await.unwrap();
        let database = Database::new(&server, &format!("pgbouncer::{test}::{version}"))
            .await
            .unwrap();
        let monitored = Monitored::on(&database).await.unwrap();
        let bouncer = PgBouncer::start(&server, &[]).await.unwrap();
        watch(&monitored, POOL, &bouncer.console(user), user).await;
        let others = [
            (STATS_USER, STATS_PASSWORD),
            (OTHER_USER, OTHER_PASSWORD),
            ("wrong", "guessed"),
        ];
        let mut application = Application::builder(monitored.url())
            .without_other_schedules()
            .variable("target_passwords", &passwords(COLLECTOR_PASSWORD, &others));
        if let Some(hosts) = hosts {
            application = application.variable("pgbouncer_hosts", hosts);
        }
        Room {
            database,
            monitored,
            bouncer,
            application: application.start().await.unwrap(),
        }
    }

    async fn watched(version: u32, test: &str) -> Room {
        Room::new(version, test, STATS_USER, Some("tcp://127.0.0.1:*")).await
    }

    /// Collects from everything, and gives what the run touched.
    async fn collect(&self) -> Value {
        let answer = self.application.post("/collect-stats").await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json().unwrap()
    }

    /// A number of the pool that the test's database has.
    async fn pool(&self, column: &str) -> i64 {
        let sql = format!(
            "select {column} from monitoring.pgbouncer_pools_now where target = '{POOL}' and database = '{}'",
            self.database.name()
        );
        self.monitored.number(&sql).await.unwrap()
    }

    /// What was counted of the test's database in all, and in how many intervals.
    async fn counted(&self, column: &str) -> i64 {
        let sql = format!(
            "select coalesce(sum({column}), 0)::int8 from monitoring.pgbouncer_stats_history \
             where target = '{POOL}' and database = '{}'",
            self.database.name()
        );
        self.monitored.number(&sql).await.unwrap()
    }

    /// Sends statements through the pool, each a transaction.
    async fn run(&self, times: usize) {
        let client = integration_tests::database::connect(&self.bouncer.url(self.database.name()))
            .await
            .unwrap();
        for _ in 0..times {
            client.simple_query("select 1").await.unwrap();
        }
    }

    /// The numbers of the PgBouncer are on the metrics page, under the names of pgbouncer_exporter.
    async fn is_exposed(&self) {
        let page = self.application.get("/metrics").await.unwrap().body;
        let database = format!("{{database=\"{}\",target=\"{POOL}\"", self.database.name());
        let whole = format!("{{target=\"{POOL}\"");
        for series in [
            format!("pgbouncer_up{whole}}} 1\n"),
            format!("pgbouncer_version_info{whole},version=\"1."),
            format!("pgbouncer_pools_client_waiting_connections{database},user=\"postgres\"}} 3\n"),
            format!("pgbouncer_pools_client_maxwait_seconds{database},user=\"postgres\"}} "),
            format!("pgbouncer_stats_sql_transactions_pooled_total{database}}} "),
            format!("pgbouncer_stats_totals_sql_transactions_pooled_total{database}}} "),
            format!(
                "pgbouncer_databases_pool_size{{database=\"{}\",host=\"127.0.0.1\",",
                self.database.name()
            ),
            format!("pgbouncer_config_max_client_connections{whole}}} "),
            format!("pgbouncer_used_clients{whole}}} "),
            format!("pgbouncer_cached_dns_names{whole}}} "),
        ] {
            assert!(page.contains(&series), "{series}: {page}");
        }
        assert!(!page.contains(&format!("pg_up{whole}")), "{page}");
    }

    /// The code and the text of what keeps the PgBouncer from being read.
    async fn trouble(&self) -> (String, String) {
        let admin = self.monitored.admin().await.unwrap();
        let sql = format!(
            "select s.error_code::text, s.error::text from monitoring.target_state as s \
             join monitoring.targets as t using (target_id) where t.name = '{POOL}' and not s.up"
        );
        let rows = db::Client::query(&admin, &sql, &[]).await.unwrap();
        let row = rows.one().unwrap();
        (row.at(0).unwrap(), row.at(1).unwrap())
    }
}

async fn watch(monitored: &Monitored, name: &str, address: &str, secret: &str) {
    let target = NewTarget {
        secret: secret.to_owned(),
        kind: TargetKind::PgBouncer,
        interval: std::time::Duration::from_secs(1),
        timeout: std::time::Duration::from_secs(3),
        ..NewTarget::new(name, address)
    };
    store::targets::add(&monitored.admin().await.unwrap(), &target)
        .await
        .unwrap();
}

async fn open(address: &str, password: &str) -> Result<Console, DbError> {
    let url: SafeUrl = address.parse().unwrap();
    Console::open(&url.with_password(password)).await
}

#[tokio::test]
async fn pools_fill_up_and_waiting_clients_are_seen() {
    for version in test_versions() {
        let room = Room::watched(version, "pools_fill_up").await;
        let url = room.bouncer.url(room.database.name());
        let mut working = Vec::new();
        for _ in 0..POOL_SIZE {
            let client = integration_tests::database::connect(&url).await.unwrap();
            client.simple_query("begin").await.unwrap();
            working.push(client);
        }
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let url = url.clone();
                tokio::spawn(async move {
                    let client = integration_tests::database::connect(&url).await.unwrap();
                    client.simple_query("select 1").await.unwrap();
                })
            })
            .collect();
        // They wait once PgBouncer says so; it is asked by another way than the one under test.
        let mut console = open(&room.bouncer.console(STATS_USER), STATS_PASSWORD)
            .await
            .unwrap();
        loop {
            let rows = console.show("show pools").await.unwrap();
            let ours = rows
                .iter()
                .find(|row| row.get::<String>("database").unwrap() == room.database.name());
            if ours.is_some_and(|row| row.get::<i64>("cl_waiting").unwrap() == 3) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }

        let touched = room.collect().await;
        assert_eq!(room.pool("cl_waiting").await, 3, "{touched}");
        assert_eq!(room.pool("cl_active").await, POOL_SIZE);
        assert_eq!(room.pool("sv_active").await, POOL_SIZE);
        assert!(room.pool("maxwait * 1000000 + maxwait_us").await > 0);
        let limit = format!(
            "select pool_size from monitoring.pgbouncer_databases_now where name = '{}'",
            room.database.name()
        );
        assert_eq!(room.monitored.number(&limit).await.unwrap(), POOL_SIZE);
        let clients = "select items from monitoring.pgbouncer_lists_now where list = 'used_clients'";
        assert!(room.monitored.number(clients).await.unwrap() >= 5);
        room.is_exposed().await;
        let mode = "select count(*)::int8 from monitoring.pgbouncer_config_now \
                    where key = 'pool_mode' and value = 'transaction'";
        assert_eq!(room.monitored.number(mode).await.unwrap(), 1);

        for client in working {
            client.simple_query("commit").await.unwrap();
        }
        for client in waiting {
            client.await.unwrap();
        }
        room.collect().await;
        assert_eq!(room.pool("cl_waiting").await, 0);
        let most = "select max(cl_waiting)::int8 from monitoring.pgbouncer_pools_history";
        assert_eq!(room.monitored.number(most).await.unwrap(), 3);
        // It is a target like any other, asked by no collector of another kind.
        let state = format!(
            "select count(*)::int8 from monitoring.target_state as s join monitoring.targets as t using (target_id) \
             where t.name = '{POOL}' and s.up and s.server_version >= 11800 and s.server_started_at is null"
        );
        assert_eq!(room.monitored.number(&state).await.unwrap(), 1);
        let mixed = format!(
            "select count(*)::int8 from monitoring.collector_status as s join monitoring.targets as t using (target_id) \
             where (t.name = '{POOL}') <> (s.collector like 'pgbouncer%') or s.outcome = 'failed'"
        );
        assert_eq!(room.monitored.number(&mixed).await.unwrap(), 0);
        // What it does not have nobody looks for in vain.
        let health =
            format!("select count(*)::int8 from monitoring.connection_health() where target = '{POOL}'");
        assert_eq!(room.monitored.number(&health).await.unwrap(), 0);
        room.application.stop().await.unwrap();
    }
}

#[tokio::test]
async fn counters_are_exact_through_a_restart() {
    for version in test_versions() {
        let mut room = Room::watched(version, "counters").await;
        room.run(5).await;
        room.collect().await;
        assert_eq!(
            room.counted("total_xact_count").await,
            0,
            "what was before the first reading is not known"
        );
        room.run(3).await;
        room.collect().await;
        assert_eq!(room.counted("total_xact_count").await, 3);
        assert_eq!(room.counted("total_query_count").await, 3);
        let received = room.counted("total_received").await;
        assert!(received > 0);

        room.bouncer.restart().await.unwrap();
        room.run(4).await;
        room.collect().await;
        assert_eq!(room.counted("total_xact_count").await, 3, "a restart is a gap");
        room.run(6).await;
        room.collect().await;
        assert_eq!(room.counted("total_xact_count").await, 9);

        // Counters that have passed those before the restart look as if they had gone on.
        room.bouncer.restart().await.unwrap();
        room.run(30).await;
        room.collect().await;
        assert_eq!(room.counted("total_xact_count").await, 9, "a restart is a gap");
        room.run(2).await;
        room.collect().await;
        assert_eq!(room.counted("total_xact_count").await, 11);
        let negative = "select count(*)::int8 from monitoring.pgbouncer_stats_history \
                        where total_received < 0 or total_sent < 0 or total_query_time < 0";
        assert_eq!(room.monitored.number(negative).await.unwrap(), 0);
        room.application.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_hanging_pgbouncer_costs_its_own_timeout_and_nothing_else() {
    let room = Room::watched(test_versions()[0], "hanging").await;
    room.collect().await;
    room.bouncer.pause().unwrap();
    let touched = room.collect().await;
    assert_eq!(touched["report"]["down"], json!([POOL]), "{touched}");
    let (code, _) = room.trouble().await;
    assert!(
        ["statement_timeout", "connect_timeout"].contains(&code.as_str()),
        "{code}"
    );
    let others = "select count(*)::int8 from monitoring.target_state as s join monitoring.targets as t using (target_id) \
                  where t.name <> 'pool' and s.up";
    assert_eq!(room.monitored.number(others).await.unwrap(), 1);

    room.bouncer.resume().unwrap();
    let touched = room.collect().await;
    assert_eq!(touched["report"]["down"], json!([]), "{touched}");
    room.application.stop().await.unwrap();
}

#[tokio::test]
async fn who_may_not_look_is_told_what_is_missing() {
    let room = Room::new(
        test_versions()[0],
        "who_may_not_look",
        OTHER_USER,
        Some("tcp://127.0.0.1:*"),
    )
    .await;
    room.collect().await;
    let (code, error) = room.trouble().await;
    assert_eq!(code, "missing_privilege");
    assert!(
        error.contains("not allowed") && !error.contains(OTHER_PASSWORD),
        "{error}"
    );

    watch(&room.monitored, POOL, &room.bouncer.console(STATS_USER), "wrong").await;
    room.collect().await;
    let (code, error) = room.trouble().await;
    assert_eq!(code, "authentication_failed");
    assert!(
        error.contains("authentication failed") && !error.contains("guessed"),
        "{error}"
    );

    watch(
        &room.monitored,
        POOL,
        &room.bouncer.console(STATS_USER),
        STATS_USER,
    )
    .await;
    let touched = room.collect().await;
    assert_eq!(touched["report"]["down"], json!([]), "{touched}");
    let (_, log) = room.application.stop().await.unwrap();
    assert!(!log.contains(STATS_PASSWORD) && !log.contains(OTHER_PASSWORD));
}

#[tokio::test]
async fn only_the_hosts_that_are_permitted_are_reached() {
    let room = Room::new(test_versions()[0], "hosts", STATS_USER, None).await;
    room.collect().await;
    let (code, error) = room.trouble().await;
    assert_eq!(code, "connect_failed");
    assert!(error.contains("not permitted"), "{error}");
    room.application.stop().await.unwrap();
}

#[tokio::test]
async fn every_way_to_log_in_that_keeps_the_password_is_taken() {
    let server = Server::shared(test_versions()[0]).await.unwrap();
    for auth_type in ["scram-sha-256", "md5", "plain", "trust"] {
        let bouncer = PgBouncer::start(&server, &[("auth_type", auth_type)])
            .await
            .unwrap();
        let mut console = open(&bouncer.console(STATS_USER), STATS_PASSWORD).await.unwrap();
        assert!(console.version().starts_with("1."), "{}", console.version());
        let rows = console.show("show databases").await.unwrap();
        assert!(!rows.is_empty(), "{auth_type}");
        // What the console refuses leaves it usable.
        let refused = console.show("show fds").await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::MissingPrivilege);
        assert!(console.show("show nothing").await.is_err());
        assert_eq!(console.show("show version").await.unwrap().len(), 1);
        if auth_type != "trust" {
            let error = open(&bouncer.console(STATS_USER), "guessed").await.unwrap_err();
            assert_eq!(
                error.kind,
                ErrorKind::AuthenticationFailed,
                "{auth_type}: {error:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_server_is_not_taken_for_a_pgbouncer() {
    let server = Server::shared(test_versions()[0]).await.unwrap();
    let url: SafeUrl = server.url("postgres").parse().unwrap();
    let error = Console::open(&url).await.unwrap_err();
    assert!(error.message.contains("no console of a PgBouncer"), "{error:?}");
    assert!(error.hint.unwrap().contains("pgbouncer"));
}
