//! What sessions do: `connections`, `connection_clients`, `idle_sessions`, `long_transactions`, `waits`, `locks`.

use integration_tests::{DedicatedServer, test_versions};
use tokio_postgres::Client;

use crate::reading::read;
use crate::watched::Watched;

/// Lets a session run a statement for as long as it takes.
fn run_on(session: Client, sql: &'static str) {
    tokio::spawn(async move { session.batch_execute(sql).await });
}

#[tokio::test]
async fn sessions_are_counted_by_who_they_are_and_what_they_do() {
    for version in test_versions() {
        let watched = Watched::database(version, "sessions").await;
        let _idle = watched.session("idle").await;
        let open = watched.session("open").await;
        open.batch_execute("begin; select 1").await.unwrap();
        let aborted = watched.session("aborted").await;
        aborted.batch_execute("begin").await.unwrap();
        aborted.batch_execute("select 1 / 0").await.unwrap_err();
        run_on(watched.session("active").await, "select pg_sleep(600)");
        let _numbered = (
            watched.session("worker-41234").await,
            watched.session("worker-41235").await,
        );
        watched
            .until("select count(*) = 1 from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()")
            .await;

        let reading = read(&watched.monitor, "connections").await;
        let of = |application: &str, state: &str| {
            reading
                .row(&[
                    ("database", watched.name()),
                    ("user_name", "postgres"),
                    ("application", application),
                    ("backend_type", "client backend"),
                    ("state", state),
                ])
                .clone()
        };
        let idle = of("idle", "idle");
        assert_eq!(idle.number("sessions"), Some(1));
        assert_eq!(idle.number("oldest_transaction_ms"), None, "it has none");
        let open = of("open", "idle in transaction");
        assert_eq!(open.number("sessions"), Some(1));
        assert!(open.number("oldest_transaction_ms") >= open.number("oldest_state_ms"));
        assert!(open.number("oldest_session_ms") >= open.number("oldest_transaction_ms"));
        assert_eq!(open.number("oldest_statement_ms"), None, "it runs none");
        assert_eq!(
            of("aborted", "idle in transaction (aborted)").number("sessions"),
            Some(1)
        );
        assert!(of("active", "active").number("oldest_statement_ms").unwrap() >= 0);
        assert_eq!(of("worker-#", "idle").number("sessions"), Some(2));
        let ours = reading.sum("sessions", &[("database", watched.name())]);
        // The superuser's own session and the six above; the one that asks is not among them.
        assert_eq!(ours, 7, "{reading:?}");
        let background =
            reading.rows_with(&[("backend_type", "checkpointer"), ("database", ""), ("state", "")]);
        assert_eq!(background.len(), 1);

        let clients = read(&watched.monitor, "connection_clients").await;
        let client = clients.row(&[("client", "127.0.0.1")]);
        assert!(client.number("sessions").unwrap() >= 7);
        assert!(client.number("idle_in_transaction").unwrap() >= 2);
        assert!(client.number("active").unwrap() >= 1);
        assert!(client.number("idle").unwrap() >= 3);

        let transactions = read(&watched.monitor, "long_transactions").await;
        // One that has failed is none any more.
        assert!(transactions.one().number("transactions").unwrap() >= 2);
        assert!(transactions.one().number("oldest_ms").is_some());
    }
}

#[tokio::test]
async fn idle_sessions_are_sorted_by_how_long_they_have_been_idle() {
    for version in test_versions() {
        let watched = Watched::database(version, "idle_sessions").await;
        // A name of its own: that of an application is not told by database.
        let _first = watched.session("idle-of-this-test").await;
        tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
        let _second = watched.session("idle-of-this-test").await;
        let reading = read(&watched.monitor, "idle_sessions").await;
        let row = reading.row(&[("application", "idle-of-this-test"), ("state", "idle")]);
        assert_eq!(row.number("sessions"), Some(2));
        assert_eq!(row.number("within_300s"), Some(2));
        assert!(
            row.number("within_1s").unwrap() <= 1,
            "one has been idle for longer"
        );
        assert!(row.number("idle_ms").unwrap() >= 1200);
    }
}

#[tokio::test]
async fn however_many_applications_there_are_the_rows_are_bounded() {
    let server = DedicatedServer::start_with(test_versions()[0], &[("max_connections", "300")])
        .await
        .unwrap();
    let watched = Watched::at(&server, "postgres").await;
    let letters = || 'a'..='p';
    let mut sessions = Vec::new();
    for (one, other) in letters().flat_map(|one| letters().map(move |other| (one, other))) {
        sessions.push(watched.session(&format!("application-{one}{other}")).await);
    }
    // A number in a name makes no application of its own.
    sessions.push(watched.session("0123456789abcdef-job-77001").await);
    sessions.push(watched.session("fedcba9876543210-job-77002").await);

    let reading = read(&watched.monitor, "connections").await;
    assert_eq!(
        reading.row(&[("application", "#job-#")]).number("sessions"),
        Some(2)
    );
    let others = reading.row(&[("application", "(other)"), ("backend_type", "client backend")]);
    assert!(others.number("sessions").unwrap() > 50, "{others:?}");
    let processes = watched.number("select count(*) - 1 from pg_stat_activity").await;
    assert_eq!(reading.sum("sessions", &[]), processes, "nobody is lost");
    assert!(reading.rows.len() <= 200 + 10, "{}", reading.rows.len());

    let idle = read(&watched.monitor, "idle_sessions").await;
    assert_eq!(idle.rows.len(), 50 + 1);
    assert_eq!(
        idle.sum("sessions", &[]),
        sessions.len() as i64 + 1,
        "with the superuser's own"
    );
}

#[tokio::test]
async fn waits_are_told_and_work_without_waiting_is_work_of_the_processor() {
    for version in test_versions() {
        let watched = Watched::database(version, "waits").await;
        let _idle = watched.session("idle").await;
        run_on(watched.session("sleeps").await, "select pg_sleep(600)");
        run_on(
            watched.session("computes").await,
            "set jit = off; do $$ begin loop null; end loop; end $$",
        );
        let open = watched.session("open").await;
        open.batch_execute("begin").await.unwrap();
        watched
            .until(
                "select count(*) = 2 from pg_stat_activity where datname = current_database() and state = 'active' \
                 and application_name in ('sleeps', 'computes') and (wait_event = 'PgSleep' or wait_event is null)",
            )
            .await;
        let reading = read(&watched.monitor, "waits").await;
        let sessions = |state: &str, kind: &str, event: &str| {
            let texts = [
                ("database", watched.name()),
                ("backend_type", "client backend"),
                ("state", state),
                ("wait_event_type", kind),
                ("wait_event", event),
            ];
            reading.sum("sessions", &texts)
        };
        assert_eq!(sessions("active", "Timeout", "PgSleep"), 1, "{reading:?}");
        assert_eq!(sessions("active", "CPU", "CPU"), 1, "{reading:?}");
        assert_eq!(sessions("idle in transaction", "Client", "ClientRead"), 1);
        assert!(reading.rows_with(&[("state", "idle")]).is_empty());
        assert!(reading.rows_with(&[("wait_event_type", "Activity")]).is_empty());
    }
}

#[tokio::test]
async fn locks_are_counted_by_database_and_mode_and_those_who_wait_too() {
    for version in test_versions() {
        let watched = Watched::database(version, "locks").await;
        watched
            .run(&[
                "create table closed (n int)",
                "create table rows_of (n int)",
                "insert into rows_of values (1)",
            ])
            .await;
        let holder = watched.session("holder").await;
        holder
            .batch_execute("begin; lock table closed; update rows_of set n = 2")
            .await
            .unwrap();
        run_on(watched.session("waits for a table").await, "select * from closed");
        run_on(
            watched.session("waits for a row").await,
            "update rows_of set n = 3",
        );
        watched
            .until(
                "select count(*) = 2 from pg_locks as l join pg_stat_activity as a using (pid) \
                 where not l.granted and a.datname = current_database()",
            )
            .await;

        let reading = read(&watched.monitor, "locks").await;
        assert_eq!(reading.rows_with(&[("database", watched.name())]).len(), 9);
        let of = |mode: &str| {
            reading
                .row(&[("database", watched.name()), ("mode", mode)])
                .clone()
        };
        let exclusive = of("accessexclusivelock");
        assert_eq!(exclusive.number("granted"), Some(1));
        assert_eq!(exclusive.number("waiting"), Some(0));
        let shared = of("accesssharelock");
        assert_eq!(shared.number("waiting"), Some(1));
        let transaction = of("sharelock");
        assert_eq!(transaction.number("transaction_waiting"), Some(1));
        assert_eq!(transaction.number("waiting"), Some(0));
        let known = version >= 14;
        assert_eq!(shared.number("longest_wait_ms").is_some(), known);
        assert_eq!(transaction.number("longest_wait_ms").is_some(), known);
        assert_eq!(exclusive.number("longest_wait_ms"), None, "nobody waits for it");
        assert_eq!(of("sireadlock").number("granted"), Some(0));
        // The sum over both is what postgres_exporter counts.
        let all = reading.sum("granted", &[("database", watched.name())])
            + reading.sum("waiting", &[("database", watched.name())]);
        let counted = watched
            .number(
                "select count(*) from pg_locks as l join pg_database as d on d.oid = l.database \
                 where d.datname = current_database() and l.pid <> pg_backend_pid()",
            )
            .await;
        assert_eq!(all, counted);
    }
}
