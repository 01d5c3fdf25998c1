//! Chains of sessions that wait for each other are stored with who is at their root.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use integration_tests::database::connect;
use integration_tests::monitored::COLLECTOR_PASSWORD;
use integration_tests::{Application, DedicatedServer, Monitored, test_versions};
use store::logins::Login;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

/// Makes parallel workers of the smallest table, and lets them do all the work.
const PARALLEL: &str = "set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0; \
                        set max_parallel_workers_per_gather = 2; set parallel_leader_participation = off";

struct Room {
    server: DedicatedServer,
    monitored: Monitored,
    application: Application,
}

impl Room {
    async fn new(version: u32) -> Room {
        let server = DedicatedServer::start_with(version, &[("max_prepared_transactions", "5")])
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

    async fn collect(&self) {
        let answer = self.application.post("/collect-stats").await.unwrap();
        let outcome = &answer.json().unwrap()["outcome"];
        assert!(answer.status == 200 && outcome == "ok", "{}", answer.body);
    }

    /// A session that has done this and stays.
    async fn holder(&self, application: &str, statements: &[&str]) -> Client {
        let url = format!("{}?application_name={application}", self.server.url("postgres"));
        let client = connect(&url).await.unwrap();
        for statement in statements {
            client.batch_execute(statement).await.unwrap();
        }
        client
    }

    /// A session that does this and waits in the last statement, as the server says.
    async fn waiter(&self, application: &str, statements: &[&str]) -> JoinHandle<()> {
        let (last, first) = statements.split_last().unwrap();
        let client = self.holder(application, first).await;
        let last = (*last).to_owned();
        let waiting = tokio::spawn(async move {
            // It fails when the server ends, which is after all has been looked at.
            let _ = client.batch_execute(&last).await;
        });
        let waits = format!(
            "select count(*) > 0 from pg_stat_activity as a left join pg_stat_activity as leader on leader.pid = a.leader_pid \
             where a.wait_event_type = 'Lock' and coalesce(leader.application_name, a.application_name) = '{application}'"
        );
        self.monitored.until("the wait for a lock", &waits).await.unwrap();
        waiting
    }

    /// Checks that one row is stored of a session, and what it says.
    async fn check(&self, application: &str, conditions: &[&str]) {
        let one =
            format!("select count(*) from monitoring.blocked_sessions where application = '{application}'");
        assert_eq!(self.monitored.number(&one).await.unwrap(), 1, "{application}");
        for condition in conditions {
            let holds = format!("{one} and ({condition})");
            let found = self.monitored.number(&holds).await.unwrap();
            assert_eq!(
                found,
                1,
                "{application}: {condition} on {}",
                self.server.version()
            );
        }
    }
}

#[tokio::test]
async fn every_chain_is_stored_with_its_root() {
    for version in test_versions() {
        let room = Room::new(version).await;
        room.holder(
            "setup",
            &[
                "create table chained (number int4); create table account (number int4 primary key, balance int4); \
                 insert into account values (1, 0), (2, 0); create table busy (number int4); \
                 create table many as select generate_series(1, 1000) as number; analyze many; \
                 create function peek(number int4) returns int4 language plpgsql stable parallel safe \
                   as $$ begin return (select count(*) from busy) + number; end $$",
            ],
        )
        .await;
        room.collect().await;
        let nobody = "select count(*) from monitoring.blocked_sessions";
        assert_eq!(room.monitored.number(nobody).await.unwrap(), 0);

        // A chain of three on a table: a forgotten transaction, a migration behind it, and everybody behind that.
        let forgotten = "select count(*) as forgotten from chained where number = 4711";
        let _root = room.holder("forgotten", &["begin", forgotten]).await;
        room.waiter("migration", &["alter table chained add column Hannelore text"])
            .await;
        room.waiter(
            "reader",
            &["select count(*) as behind from chained where number = 4712"],
        )
        .await;
        // A queue for a row: the first waits for the transaction, the next for its place in the queue.
        let update = "update account set balance = 4713 where number = 1";
        let _owner = room.holder("owner", &["begin", update]).await;
        room.waiter("first", &[update]).await;
        room.waiter("second", &[update]).await;
        // A lock of the application's own.
        let _advised = room.holder("advised", &["select pg_advisory_lock(4714)"]).await;
        room.waiter("advisory", &["select pg_advisory_lock(4714)"]).await;
        // A transaction that was prepared and left.
        let other = "update account set balance = 4715 where number = 2";
        room.holder("preparer", &["begin", other, "prepare transaction 'left'"])
            .await;
        room.waiter("orphan", &[other]).await;
        // Workers of a parallel query.
        let _keeper = room
            .holder("keeper", &["begin", "lock table busy in access exclusive mode"])
            .await;
        room.waiter("parallel", &[PARALLEL, "select sum(peek(number)) from many"])
            .await;
        room.collect().await;

        room.check(
            "migration",
            &[
                "depth = 1 and root_application = 'forgotten' and root_state = 'idle in transaction'",
                "lock_type = 'relation' and lock_mode = 'AccessExclusiveLock' and relation = 'public.chained'",
                "root_query like '%as forgotten from chained where number = ?' and query is null",
                "blocker_pids = array[root_pid] and root_transaction_ms >= 0 and statement_ms >= 0",
            ],
        )
        .await;
        room.check(
            "reader",
            &[
                "depth = 2 and root_application = 'forgotten' and root_pid <> all (blocker_pids)",
                "lock_mode = 'AccessShareLock' and relation = 'public.chained' and database = 'postgres'",
                "query like 'select count(*) as behind from chained where number = ?' and user_name = 'postgres'",
            ],
        )
        .await;
        room.check(
            "first",
            &[
                "depth = 1 and root_application = 'owner' and lock_type = 'transactionid'",
                "relation = 'public.account' and query like 'update account set balance = ? where number = ?'",
            ],
        )
        .await;
        room.check(
            "second",
            &["depth = 2 and root_application = 'owner' and lock_type = 'tuple' and relation = 'public.account'"],
        )
        .await;
        room.check(
            "advisory",
            &["depth = 1 and root_application = 'advised' and lock_type = 'advisory' and relation is null"],
        )
        .await;
        room.check(
            "orphan",
            &["depth = 1 and root_pid = 0 and blocker_pids = '{0}' and root_state = 'prepared transaction'"],
        )
        .await;
        room.check(
            "parallel",
            &[
                "depth = 1 and root_application = 'keeper' and lock_type = 'relation' and relation = 'public.busy'",
                "root_query is null and query like 'select sum(peek(number)) from many'",
            ],
        )
        .await;
        let tells_since = if version >= 14 {
            "waiting_ms >= 0 and query_id <> 0"
        } else {
            "waiting_ms is null and query_id is null"
        };
        room.check("first", &[tells_since]).await;
        let leaked = "select count(*) from monitoring.blocked_sessions \
                      where concat_ws(' ', query, root_query) ~ '471[1-5]|Hannelore'";
        assert_eq!(room.monitored.number(leaked).await.unwrap(), 0, "on {version}");
        room.application.stop().await.unwrap();
    }
}
