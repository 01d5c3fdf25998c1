//! What `collect-stats` stores is what happened: never negative, never twice, and never what may not be stored.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use integration_tests::monitored::{COLLECTOR_PASSWORD, Monitored};
use integration_tests::{Application, Database, DedicatedServer, Server, test_versions};
use serde_json::Value;
use store::logins::Login;

/// The statement that is counted, with a literal that differs each time.
const COUNTED: &str = "select count(*) as counted_by_the_test from pg_class where relname = 'Erika'";

struct Room {
    server: DedicatedServer,
    monitored: Monitored,
    application: Application,
}

impl Room {
    async fn new(version: u32, settings: &[(&str, &str)]) -> Room {
        let server = DedicatedServer::start_with(version, settings).await.unwrap();
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

    async fn collect(&self) -> Value {
        collect(&self.application).await
    }

    async fn run_counted(&self, times: usize) {
        let client = integration_tests::database::connect(&self.server.url("postgres"))
            .await
            .unwrap();
        for _ in 0..times {
            client.simple_query(COUNTED).await.unwrap();
        }
    }

    /// How many calls of the counted statement were stored, in all.
    async fn stored(&self) -> i64 {
        let sql = "select coalesce(sum(sample.calls), 0)::int8 from monitoring.statement_samples as sample \
                   join monitoring.statements using (statement_id) where query like '%counted_by_the_test%'";
        self.monitored.number(sql).await.unwrap()
    }
}

async fn collect(application: &Application) -> Value {
    let answer = application.post("/collect-stats").await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json().unwrap()
}

#[tokio::test]
async fn counts_are_exact_through_resets_and_restarts() {
    for version in test_versions() {
        // Tests do without it, but then a crash takes the last samples along.
        let mut room = Room::new(version, &[("synchronous_commit", "on")]).await;
        room.run_counted(5).await;
        room.collect().await;
        assert_eq!(
            room.stored().await,
            0,
            "what was before the first reading is not known"
        );

        room.run_counted(3).await;
        room.collect().await;
        assert_eq!(room.stored().await, 3);

        // After a reset it is not known what was before it; what comes after is.
        room.run_counted(2).await;
        room.monitored
            .run("select pg_stat_statements_reset()")
            .await
            .unwrap();
        room.collect().await;
        let after_reset = room.stored().await;
        assert!(
            after_reset <= 5,
            "{after_reset} calls were stored of 5 on {version}"
        );
        room.run_counted(4).await;
        room.collect().await;
        assert_eq!(room.stored().await, after_reset + 4);

        // A restart keeps the counters of statements, but nobody can be sure of it: a gap.
        room.run_counted(1).await;
        room.server.restart().await.unwrap();
        room.collect().await;
        assert_eq!(room.stored().await, after_reset + 4);
        room.run_counted(6).await;
        room.collect().await;
        assert_eq!(room.stored().await, after_reset + 10);

        // A crash takes the counters along, and the last snapshot with them.
        room.run_counted(1).await;
        room.server.crash().await.unwrap();
        room.server.start_again().await.unwrap();
        room.collect().await;
        room.run_counted(2).await;
        room.collect().await;
        assert_eq!(room.stored().await, after_reset + 12);
        room.application.stop().await.unwrap();
    }
}

#[tokio::test]
async fn collectors_at_once_count_nothing_twice() {
    let room = Room::new(test_versions()[0], &[]).await;
    room.collect().await;
    let mut expected = 0;
    for times in [1, 7, 2] {
        room.run_counted(times).await;
        expected += i64::try_from(times).unwrap();
        let (a, b, c, d) = tokio::join!(room.collect(), room.collect(), room.collect(), room.collect());
        let outcomes = [a, b, c, d].map(|report| report["outcome"].clone());
        assert!(outcomes.iter().all(|outcome| outcome == "ok"), "{outcomes:?}");
        room.collect().await;
        assert_eq!(room.stored().await, expected);
    }
}

#[tokio::test]
async fn no_literal_and_no_utility_statement_is_stored() {
    for version in test_versions() {
        let room = Room::new(version, &[("pg_stat_statements.track_utility", "on")]).await;
        room.collect().await;
        let client = integration_tests::database::connect(&room.server.url("postgres"))
            .await
            .unwrap();
        client
            .batch_execute(
                "create role somebody password 'Hannelore-1'; \
                 alter role somebody password 'Hannelore-2'; \
                 comment on role somebody is 'Hannelore-3'; \
                 do $$ begin perform 'Hannelore-4'; end $$;",
            )
            .await
            .unwrap();
        client
            .simple_query("select 'Hannelore-5' as text, 4711 as number /* Hannelore-6 */")
            .await
            .unwrap();
        room.run_counted(1).await;
        for _ in 0..2 {
            room.collect().await;
        }
        assert_eq!(room.stored().await, 1);
        let leaked = "select count(*) from monitoring.statements where query ~ 'Hannelore|Erika|4711'";
        assert_eq!(room.monitored.number(leaked).await.unwrap(), 0, "on {version}");
        let utility = "select count(*) from monitoring.statements as s where s.utility \
                       and exists (select from monitoring.statement_samples as x where x.statement_id = s.statement_id)";
        assert_eq!(room.monitored.number(utility).await.unwrap(), 0, "on {version}");
        let (_, log) = room.application.stop().await.unwrap();
        assert!(!log.contains("Hannelore") && !log.contains("Erika"), "{log}");
    }
}

#[tokio::test]
async fn what_a_target_lacks_is_skipped_by_name_and_the_rest_goes_on() {
    let server = Server::shared(test_versions()[0]).await.unwrap();
    let database = Database::new(&server, "collection::skipped").await.unwrap();
    let monitored = Monitored::on(&database).await.unwrap();
    monitored.run("drop extension pg_stat_statements").await.unwrap();
    let application = Application::builder(monitored.url())
        .without_other_schedules()
        .start()
        .await
        .unwrap();
    let report = collect(&application).await;
    assert_eq!(report["outcome"], "ok", "{report}");
    let skipped = "select count(*) from monitoring.collector_status where collector = 'statements' \
                   and outcome = 'skipped' and reason like '%create extension pg_stat_statements%'";
    assert_eq!(monitored.number(skipped).await.unwrap(), 1);
    let others = "select count(*) from monitoring.collector_status where outcome in ('ok', 'no_data') \
                  and collector in ('activity', 'databases')";
    assert_eq!(monitored.number(others).await.unwrap(), 2);
    assert_eq!(
        monitored
            .number("select count(*) from monitoring.activity_samples")
            .await
            .unwrap(),
        1
    );
}
