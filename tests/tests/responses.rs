//! Automatic responses on real parts: what is done to a real server, within which limits, and who is told.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use db::Client as _;
use integration_tests::database::connect;
use integration_tests::monitored::{COLLECTOR_PASSWORD, MAINTENANCE_PASSWORD, Monitored};
use integration_tests::{Application, DedicatedServer, Receiver, test_versions};
use serde_json::{Value, json};
use store::logins::Login;
use store::responses::{self, Entry};
use tokio_postgres::Client;
use vitals::response::RunState;

/// A server that is watched, and an application that may do something to it; everything happens when it is posted.
struct Watched {
    monitored: Monitored,
    application: Application,
    receiver: Receiver,
    server: DedicatedServer,
}

impl Watched {
    async fn on(version: u32) -> Self {
        Self::with(version, &[]).await
    }

    async fn with(version: u32, variables: &[(&str, &str)]) -> Self {
        let server = DedicatedServer::start(version).await.unwrap();
        let collector = server.url_as(Login::Collector.role(), COLLECTOR_PASSWORD, "postgres");
        let monitored = Monitored::at(&server.url("postgres"), &collector).await.unwrap();
        monitored.admit_maintenance().await.unwrap();
        let receiver = Receiver::start().await.unwrap();
        let application = application(&monitored, variables).await;
        Self {
            monitored,
            application,
            receiver,
            server,
        }
    }

    /// Has a rule respond to alerts from the mildest level on.
    async fn respond(&self, rule: &str, action: &str, arguments: Value) {
        let admin = self.monitored.admin().await.unwrap();
        let level = vitals::level::Level::Warning;
        assert!(
            responses::assign(&admin, rule, Some(action), arguments, level)
                .await
                .unwrap()
        );
    }

    /// An alert that fires, as an evaluation would leave it, and what its rule asks for.
    async fn alert(&self, rule: &str, subject_label: &str) {
        let admin = self.monitored.admin().await.unwrap();
        admin
            .execute(FIRING, &[rule.into(), subject_label.into()])
            .await
            .unwrap();
        responses::queue(&admin, false).await.unwrap();
    }

    /// Runs what is queued and gives the report.
    async fn run(&self) -> Value {
        let answer = self.application.post("/run-responses").await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str::<Value>(&answer.body).unwrap()["report"].clone()
    }

    /// The journal, oldest first.
    async fn journal(&self) -> Vec<Entry> {
        let admin = self.monitored.admin().await.unwrap();
        let mut journal = responses::journal(&admin, 100).await.unwrap();
        journal.reverse();
        journal
    }

    async fn last(&self) -> Entry {
        self.journal().await.pop().unwrap()
    }

    /// Sessions of the application's login that sleep in a transaction.
    async fn sleepers(&self, count: usize) -> Vec<Client> {
        let mut sleepers = Vec::new();
        for _ in 0..count {
            let client = connect(&self.server.url_as("shop", "shop", "postgres"))
                .await
                .unwrap();
            client.batch_execute("begin; select 1").await.unwrap();
            sleepers.push(client);
        }
        sleepers
    }

    async fn idle_in_transaction(&self) -> i64 {
        let sql =
            "select count(*) from pg_stat_activity where usename = 'shop' and state = 'idle in transaction'";
        self.monitored.number(sql).await.unwrap()
    }
}

async fn application(monitored: &Monitored, variables: &[(&str, &str)]) -> Application {
    let passwords = json!({ "default": MAINTENANCE_PASSWORD }).to_string();
    let mut builder = Application::builder(monitored.url())
        .variable("webhook_hosts", "http://127.0.0.1:*")
        .variable("maintenance_passwords", &passwords)
        .without_other_schedules();
    for (name, value) in variables {
        builder = builder.variable(name, value);
    }
    builder.start().await.unwrap()
}

const FIRING: &str = "
    insert into monitoring.alerts
      (rule_id, target_id, subject, subject_label, state, level, value, threshold, opened_at)
    select $1, target_id, $2, $2, 'firing', 'critical', 1000, 900, now() from monitoring.targets";

/// A login that works with the database as an application does.
const SHOP: &str = "create role shop login password 'shop'";

const TERMINATE: &str = "terminate_idle_in_transaction";

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_idle_in_a_transaction_are_ended_up_to_the_limit_of_the_hour() {
    for version in test_versions() {
        let watched = Watched::on(version).await;
        watched.monitored.run(SHOP).await.unwrap();
        let arguments = json!({"older_than_seconds": 5, "at_most_per_hour": 3, "repeat_after_seconds": 60});
        watched.respond("idle_in_transaction", TERMINATE, arguments).await;
        let _sleepers = watched.sleepers(4).await;
        // The server decides who sleeps for how long.
        let all_sleep = "select count(*) = 4 from pg_stat_activity
            where usename = 'shop' and state = 'idle in transaction' and state_change < now() - interval '6 seconds'";
        watched.monitored.until("four sleepers", all_sleep).await.unwrap();

        // Without the right nothing is done, and what to grant is said.
        watched.alert("idle_in_transaction", "local").await;
        watched.run().await;
        let refused = watched.last().await;
        assert_eq!(refused.state, RunState::Refused);
        let reason = refused.result.unwrap();
        assert!(reason.contains("grant pg_signal_backend"), "{reason}");
        assert_eq!(watched.idle_in_transaction().await, 4);

        // With it, no more than the limit, however many runs there are at once.
        let grant = "grant pg_signal_backend, pg_read_all_stats to pgvitals_maintenance";
        watched.monitored.run(grant).await.unwrap();
        watched.again().await;
        let run = || watched.application.post("/run-responses");
        let (one, another, third) = tokio::join!(run(), run(), run());
        for answer in [one, another, third] {
            assert_eq!(answer.unwrap().status, 200);
        }
        let done = watched.last().await;
        assert_eq!((done.state, done.affected), (RunState::Done, Some(3)), "{done:?}");
        assert!(done.result.unwrap().starts_with("ended 3 of 3 sessions"));
        assert_eq!(watched.idle_in_transaction().await, 1);

        // The limit of the hour is reached for this target, whoever asks.
        watched.again().await;
        watched.run().await;
        let refused = watched.last().await;
        assert_eq!(refused.state, RunState::Refused);
        assert_eq!(
            refused.result.as_deref(),
            Some("the limit of 3 sessions an hour is reached")
        );
        assert_eq!(watched.idle_in_transaction().await, 1);

        // An hour later there is room again.
        let hour = "update monitoring.response_runs set started_at = started_at - interval '61 minutes'
            where started_at is not null";
        watched.monitored.run(hour).await.unwrap();
        watched.again().await;
        watched.run().await;
        assert_eq!(watched.last().await.affected, Some(1));
        assert_eq!(watched.idle_in_transaction().await, 0);
        assert_eq!(watched.journal().await.len(), 4);
    }
}

impl Watched {
    /// The alert still fires when the rule wants its response repeated.
    async fn again(&self) {
        let later = "update monitoring.response_runs
            set queued_at = queued_at - interval '2 minutes', ended_at = ended_at - interval '2 minutes'";
        self.monitored.run(later).await.unwrap();
        let admin = self.monitored.admin().await.unwrap();
        assert_eq!(responses::queue(&admin, false).await.unwrap(), 1);
        assert_eq!(
            responses::queue(&admin, false).await.unwrap(),
            0,
            "it waits already"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_be_done_and_does_nothing() {
    let watched = Watched::with(embedded_postgres::NEWEST, &[("responses_dry_run", "true")]).await;
    watched.monitored.run(SHOP).await.unwrap();
    let grant = "grant pg_signal_backend, pg_read_all_stats to pgvitals_maintenance";
    watched.monitored.run(grant).await.unwrap();
    watched
        .respond("idle_in_transaction", TERMINATE, json!({"older_than_seconds": 5}))
        .await;
    let _sleepers = watched.sleepers(2).await;
    let all_sleep = "select count(*) = 2 from pg_stat_activity
        where usename = 'shop' and state = 'idle in transaction' and state_change < now() - interval '6 seconds'";
    watched.monitored.until("two sleepers", all_sleep).await.unwrap();
    watched
        .monitored
        .tell("hook", "webhook", &watched.receiver, "/hook")
        .await
        .unwrap();

    // The whole way: what is collected fires, is told, is responded to, and that is told too.
    let sensitive = "update monitoring.rules set warning = 1, critical = 2, emergency = null, resolve = 0.5
        where rule_id = 'idle_in_transaction'";
    watched.monitored.run(sensitive).await.unwrap();
    for function in [
        "collect-stats",
        "check-alerts",
        "deliver-notifications",
        "run-responses",
        "deliver-notifications",
    ] {
        let answer = watched.application.post(&format!("/{function}")).await.unwrap();
        assert_eq!(answer.status, 200, "{function}: {}", answer.body);
    }
    let entry = watched.last().await;
    assert!(entry.dry_run);
    assert_eq!((entry.state, entry.affected), (RunState::Done, Some(0)));
    let result = entry.result.unwrap();
    assert!(result.starts_with("would end 2 sessions"), "{result}");
    assert_eq!(watched.idle_in_transaction().await, 2);
    let told = watched.receiver.received();
    let news: Vec<Value> = told.iter().map(|request| request.json().unwrap()).collect();
    let response = news.iter().find(|news| news["type"] == "alert.response");
    let response = response.unwrap_or_else(|| panic!("the response was not told: {news:#?}"));
    assert_eq!(response["data"]["rule_id"], "idle_in_transaction");
    assert_eq!(
        response["data"]["responses"],
        json!([{"action": TERMINATE, "outcome": "dry_run", "detail": result}])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_analyzed_by_who_may_and_by_nobody_else() {
    for version in test_versions() {
        let watched = Watched::on(version).await;
        watched
            .monitored
            .run("create table public.\"Orders\" as select generate_series(1, 1000) as id")
            .await
            .unwrap();
        watched.respond("table_bloat", "analyze_table", json!({})).await;
        watched.alert("table_bloat", "public.Orders").await;
        watched.run().await;
        let refused = watched.last().await;
        assert_eq!(refused.state, RunState::Refused);
        let reason = refused.result.unwrap();
        assert!(reason.contains("may not analyze public.Orders"), "{reason}");

        let owner = "alter table public.\"Orders\" owner to pgvitals_maintenance";
        let grant = "grant maintain on public.\"Orders\" to pgvitals_maintenance";
        let right = if version >= 17 { grant } else { owner };
        watched.monitored.run(right).await.unwrap();
        watched
            .monitored
            .run("delete from monitoring.alerts")
            .await
            .unwrap();
        watched.alert("table_bloat", "public.Orders").await;
        watched.run().await;
        let done = watched.last().await;
        assert_eq!((done.state, done.affected), (RunState::Done, Some(1)), "{done:?}");
        let estimated = "select reltuples::int8 from pg_class where relname = 'Orders'";
        assert_eq!(watched.monitored.number(estimated).await.unwrap(), 1000);

        watched
            .monitored
            .run("delete from monitoring.alerts")
            .await
            .unwrap();
        watched.alert("table_bloat", "public.nothing").await;
        watched.run().await;
        let reason = watched.last().await.result.unwrap();
        assert!(reason.starts_with("there is no table public.nothing"), "{reason}");
    }
}

/// The application's own refresh: counts its calls where no rollback reaches, and takes its time.
const REFRESH: &str = "
    create schema pgvitals;
    create sequence pgvitals.calls;
    grant usage on schema pgvitals to pgvitals_maintenance;
    grant usage on sequence pgvitals.calls to pgvitals_maintenance;
    create function pgvitals.refresh_cache_queue(milliseconds int8) returns int8 language plpgsql
    as $$ begin perform nextval('pgvitals.calls'); perform pg_sleep(8); return 1; end $$";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cut_off_is_given_up_told_and_never_done_again() {
    let watched = Watched::on(embedded_postgres::NEWEST).await;
    let admin = connect(&watched.server.url("postgres")).await.unwrap();
    admin.batch_execute(REFRESH).await.unwrap();
    watched
        .respond("pending_cache_invalidations", "refresh_cache_queue", json!({}))
        .await;
    watched.alert("pending_cache_invalidations", "queue").await;

    let (url, monitored) = (watched.application.url("/run-responses"), &watched.monitored);
    let authorization = format!("Bearer {}", integration_tests::application::TOKEN);
    let posted = tokio::spawn(async move {
        let headers = [("authorization", authorization.as_str())];
        integration_tests::http::send(hyper::Method::POST, &url, &headers, "").await
    });
    let running = "select count(*) = 1 from monitoring.response_runs where state = 'running'";
    monitored.until("a response that runs", running).await.unwrap();
    let called = "select is_called from pgvitals.calls";
    monitored.until("the call of the function", called).await.unwrap();
    watched.application.kill().await.unwrap();
    assert!(posted.await.unwrap().is_err());

    let application = application(monitored, &[]).await;
    let run = async || {
        let answer = application.post("/run-responses").await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str::<Value>(&answer.body).unwrap()["report"].clone()
    };
    assert_eq!(
        run().await["abandoned"],
        0,
        "whoever began it may still be at work"
    );
    let expired = "update monitoring.response_runs set lease_until = now() - interval '1 second'";
    monitored.run(expired).await.unwrap();
    assert_eq!(run().await["abandoned"], 1);
    assert_eq!(run().await["abandoned"], 0);
    let admin = monitored.admin().await.unwrap();
    let [entry] = &responses::journal(&admin, 10).await.unwrap()[..] else {
        panic!("it was begun again")
    };
    assert_eq!((entry.state, entry.affected), (RunState::Failed, None));
    assert_eq!(
        monitored
            .number("select last_value from pgvitals.calls")
            .await
            .unwrap(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_runs_as_the_maintenance_login_and_what_is_missing_is_said() {
    let watched = Watched::on(embedded_postgres::NEWEST).await;
    watched
        .respond("database_growth", "run_maintenance", json!({"task": "retention"}))
        .await;
    watched.alert("database_growth", "postgres").await;
    watched
        .respond("pending_cache_invalidations", "refresh_cache_queue", json!({}))
        .await;
    watched.alert("pending_cache_invalidations", "queue").await;
    watched.run().await;
    let [retention, refresh] = &watched.journal().await[..] else {
        panic!("two were queued")
    };
    assert_eq!(retention.state, RunState::Done, "{retention:?}");
    assert!(
        retention
            .result
            .as_ref()
            .unwrap()
            .starts_with("dropped 0 partitions")
    );
    assert_eq!(refresh.state, RunState::Refused);
    let reason = refresh.result.as_ref().unwrap();
    assert!(
        reason.contains("no function pgvitals.refresh_cache_queue"),
        "{reason}"
    );

    // A target whose maintenance password nobody gave is left alone.
    watched
        .monitored
        .run("update monitoring.targets set secret = 'other'")
        .await
        .unwrap();
    watched
        .monitored
        .run("delete from monitoring.alerts")
        .await
        .unwrap();
    watched.alert("pending_cache_invalidations", "queue").await;
    watched.run().await;
    let refused = watched.last().await;
    assert_eq!(refused.state, RunState::Refused);
    let reason = refused.result.unwrap();
    assert!(
        reason.contains("maintenance_passwords has no password named other"),
        "{reason}"
    );

    // One that waited until nobody expects it any more, and one whose alert is over.
    for (change, expected) in [
        (
            "update monitoring.response_runs set queued_at = now() - interval '11 minutes' where state = 'queued'",
            "it waited for its turn for more than 10 minutes",
        ),
        (
            "update monitoring.alerts set state = 'resolved', resolved_at = now()",
            "the alert was over before its turn came",
        ),
    ] {
        watched
            .monitored
            .run("delete from monitoring.alerts")
            .await
            .unwrap();
        watched.alert("pending_cache_invalidations", "queue").await;
        watched.monitored.run(change).await.unwrap();
        watched.run().await;
        assert_eq!(watched.last().await.result.as_deref(), Some(expected));
    }
}
