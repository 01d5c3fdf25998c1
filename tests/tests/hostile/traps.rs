//! Everything that pgvitals does in a database full of traps, and none is sprung.

use std::time::Duration;

use db::{Client as _, DbError, Preamble, unit_of_work};
use integration_tests::database::connect;
use integration_tests::monitored::{COLLECTOR_PASSWORD, MAINTENANCE_PASSWORD};
use integration_tests::{HostileDatabase, test_versions};
use serde_json::json;
use store::collectors::TargetKind;
use store::logins::Login;
use vitals::level::Level;

use crate::{application, collector, run, session, set_up};

#[track_caller]
fn assert_none(database: &HostileDatabase, mark: usize, doing: &str) {
    let sprung = database.sprung_since(mark);
    assert!(
        sprung.is_empty(),
        "{doing}: {:#?}",
        &sprung[..sprung.len().min(20)]
    );
}

#[tokio::test]
async fn nothing_that_the_application_does_springs_a_trap() {
    for version in test_versions() {
        let database = HostileDatabase::on(version).await.unwrap();
        database.lay_traps().await.unwrap();
        let mark = database.mark();

        set_up(&database).await;
        assert_none(&database, mark, "setting up as the administrator");

        // Tables for the collectors to find something in, and for responses.
        let owner = database.owner().await.unwrap();
        owner
            .batch_execute(
                "create table public.orders (order_id pg_catalog.int8 primary key, note pg_catalog.text);
                 insert into public.orders select n, 'x' from pg_catalog.generate_series(1, 1000) as n",
            )
            .await
            .unwrap();

        let elsewhere = connect(&database.server().url("postgres")).await.unwrap();
        elsewhere
            .batch_execute("grant mallory to pgvitals_maintenance")
            .await
            .unwrap();

        let application = application(&database).await;
        for turn in 0..2 {
            for function in [
                "collect-stats",
                "check-alerts",
                "deliver-notifications",
                "run-maintenance",
                "run-responses",
            ] {
                run(&application, function).await;
                assert_none(&database, mark, &format!("{function}, turn {turn}"));
            }
            tokio::time::sleep(Duration::from_millis(1100)).await;
        }
        for path in ["/metrics", "/health", "/health/ready", "/health/targets"] {
            application.get(path).await.unwrap();
            assert_none(&database, mark, path);
        }
        let admin = session(&database.url()).await;
        let collected = "select count(*)::int8 from monitoring.collector_status where outcome <> 'skipped'";
        let collected: i64 = admin
            .query(collected, &[])
            .await
            .unwrap()
            .one()
            .unwrap()
            .at(0)
            .unwrap();
        assert!(collected > 30, "{collected}");
        let failed = "select count(*)::int8 from monitoring.collector_status where outcome = 'failed'";
        let failed: i64 = admin
            .query(failed, &[])
            .await
            .unwrap()
            .one()
            .unwrap()
            .at(0)
            .unwrap();
        assert_eq!(failed, 0);
        respond(&database, &application).await;
        assert_none(&database, mark, "responses");
        every_collector(&database).await;
        assert_none(&database, mark, "every collector");
        let operator = database.url_as(Login::Operator.role(), COLLECTOR_PASSWORD);
        let reader = session(&operator).await;
        for view in store::views::ALL {
            store::views::read(&reader, view, None, None).await.unwrap();
        }
        assert_none(&database, mark, "views");
    }
}

/// What rules may ask for, as the maintenance login, which is a member of the owner here: more than anybody should grant.
async fn respond(database: &HostileDatabase, application: &integration_tests::Application) {
    let admin = session(&database.url()).await;
    let responses = [
        (
            "blocked_sessions",
            "analyze_table",
            json!({ "schema": "public", "table": "orders" }),
        ),
        ("cache_hit", "run_maintenance", json!({ "task": "retention" })),
        (
            "deadlocks",
            "terminate_idle_in_transaction",
            json!({ "older_than_seconds": 5 }),
        ),
    ];
    for (rule, action, arguments) in responses {
        let assigned = store::responses::assign(&admin, rule, Some(action), arguments, Level::Warning).await;
        assert!(assigned.unwrap(), "{rule}");
        admin
            .execute(
                "insert into monitoring.alerts
                   (rule_id, target_id, subject, subject_label, state, level, value, threshold, opened_at)
                 select $1, target_id, 'x', 'x', 'firing', 'critical', 1000, 900, now() from monitoring.targets",
                &[rule.into()],
            )
            .await
            .unwrap();
    }
    store::responses::queue(&admin, false).await.unwrap();
    run(application, "run-responses").await;
    let journal = store::responses::journal(&admin, 10).await.unwrap();
    assert_eq!(journal.len(), 3, "{journal:?}");
    let maintenance = database.url_as(Login::Maintenance.role(), MAINTENANCE_PASSWORD);
    session(&maintenance)
        .await
        .query("select 1::int8 as one", &[])
        .await
        .unwrap();
}

/// Each file of `sql/collectors`, also those that are not due or have another variant here.
async fn every_collector(database: &HostileDatabase) {
    let client = session(&collector(database)).await;
    let preamble = Preamble::new("pgvitals/test")
        .read_only()
        .with_statement_timeout(Duration::from_secs(20));
    let mut read = 0;
    for collector in store::collectors::ALL {
        if collector.target != TargetKind::Postgres {
            continue;
        }
        for variant in collector.variants {
            let sql = variant.sql.replace("extension_schema.", "public.");
            let outcome: Result<usize, DbError> = unit_of_work(&client, &preamble, async |client| {
                client.query(&sql, &[]).await.map(|rows| rows.len())
            })
            .await;
            // A variant of another version finds a column missing.
            read += usize::from(outcome.is_ok());
        }
    }
    assert!(read > 40, "only {read} collectors could be read");
}
