//! The views on what the collectors really store.

use integration_tests::monitored::{COLLECTOR_PASSWORD, Monitored, TARGET};
use integration_tests::{Application, DedicatedServer, test_versions};
use store::logins::Login;
use store::views::{self, View};

use crate::{Row, row};

const BUSINESS: &str = "
    create table customers (id int8 primary key);
    create table orders (id int8 primary key, customer_id int8 references customers, note text);
    insert into customers select generate_series(1, 100);
    insert into orders select n, mod(n, 100) + 1, 'note' from generate_series(1, 20000) as n;
    create index orders_note on orders (note);
    create index orders_note_again on orders (note);
    create sequence nearly_used_up maxvalue 1000;
    select setval('nearly_used_up', 950);
    grant select on all sequences in schema public to pgvitals_collector;
    analyze";

async fn shown(monitored: &Monitored, name: &str) -> Vec<Row> {
    let admin = monitored.admin().await.unwrap();
    let view = View::named(name).unwrap();
    views::read(&admin, view, Some(TARGET), None).await.unwrap().rows
}

#[tokio::test]
async fn what_is_wrong_with_a_database_is_shown_once_it_was_collected_from() {
    for version in test_versions() {
        let server = DedicatedServer::start(version).await.unwrap();
        let collector = server.url_as(Login::Collector.role(), COLLECTOR_PASSWORD, "postgres");
        let monitored = Monitored::at(&server.url("postgres"), &collector).await.unwrap();
        let client = integration_tests::database::connect(&server.url("postgres"))
            .await
            .unwrap();
        client.batch_execute(BUSINESS).await.unwrap();
        let application = Application::builder(monitored.url())
            .without_other_schedules()
            .start()
            .await
            .unwrap();
        for _ in 0..2 {
            client
                .batch_execute("select count(*) from orders where customer_id = 5")
                .await
                .unwrap();
            let answer = application.post("/collect-stats").await.unwrap();
            assert_eq!(answer.status, 200, "{}", answer.body);
        }

        let findings = shown(&monitored, "index_usage").await;
        let duplicate = row(&findings, "finding", "duplicate index");
        assert_eq!(duplicate["index_name"], "public.orders_note_again", "{version}");
        let foreign_key = row(&findings, "finding", "foreign key without index");
        assert_eq!(foreign_key["table_name"], "public.orders", "{version}");
        assert!(
            !findings.iter().any(|found| found["finding"] == "unused index"),
            "{version}"
        );

        let sequences = shown(&monitored, "sequences_near_end").await;
        let nearly = row(&sequences, "sequence", "public.nearly_used_up");
        assert_eq!(nearly["severity"], "critical", "{version}");

        let connections = shown(&monitored, "connection_health").await;
        assert_eq!(connections[0]["severity"], "ok", "{version}: {connections:#?}");
        let ages = shown(&monitored, "wraparound_forecast").await;
        assert_eq!(row(&ages, "database", "postgres")["severity"], "ok", "{version}");
        let resources = shown(&monitored, "resource_use").await;
        assert!(
            row(&resources, "resource", "disk")["used"].as_f64().unwrap() > 1e6,
            "{version}"
        );
        application.stop().await.unwrap();
    }
}
