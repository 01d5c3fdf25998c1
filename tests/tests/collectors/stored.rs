//! What the component makes of the collectors of a database: samples of what happened, findings with a history, and a
//! reason for what could not be read.

use integration_tests::monitored::Monitored;
use integration_tests::{Application, Database, Server, test_versions};

async fn collect(application: &Application) {
    let answer = application.post("/collect-stats").await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn what_happens_in_a_database_is_stored() {
    for version in test_versions() {
        let server = Server::shared(version).await.unwrap();
        let path = format!("collectors::stored::{version}");
        let database = Database::new(&server, &path).await.unwrap();
        let monitored = Monitored::on(&database).await.unwrap();
        let application = Application::builder(monitored.url())
            .without_other_schedules()
            .start()
            .await
            .unwrap();
        // All collectors at once take their time on a busy machine.
        monitored
            .run("update monitoring.targets set timeout_ms = 60000")
            .await
            .unwrap();
        monitored
            .run("create table orders (id int, note text) with (autovacuum_enabled = false)")
            .await
            .unwrap();
        monitored
            .run("create index orders_id on orders (id)")
            .await
            .unwrap();
        collect(&application).await;

        monitored
            .run("insert into orders select n, 'note' from generate_series(1, 700) as n")
            .await
            .unwrap();
        monitored
            .run("create index orders_id_again on orders (id)")
            .await
            .unwrap();
        let counted = "select n_tup_ins = 700 from pg_stat_user_tables where relname = 'orders'";
        monitored.until("the insert is counted", counted).await.unwrap();
        collect(&application).await;

        let inserted = "select coalesce(sum(rows_inserted), 0)::int8 from monitoring.tables_history where \"table\" = 'orders'";
        assert_eq!(monitored.number(inserted).await.unwrap(), 700, "on {version}");
        let now = "select rows_inserted from monitoring.tables_now where schema = 'public' and \"table\" = 'orders'";
        assert_eq!(monitored.number(now).await.unwrap(), 700, "on {version}");
        let definition = "select count(*) from monitoring.index_definitions_now where index = 'orders_id' \
                          and definition = 'CREATE INDEX orders_id ON public.orders USING btree (id)'";
        assert_eq!(monitored.number(definition).await.unwrap(), 1, "on {version}");
        let duplicate = "select count(*) from monitoring.duplicate_indexes_now \
                         where index = 'orders_id_again' and covered_by = 'public.orders_id'";
        assert_eq!(monitored.number(duplicate).await.unwrap(), 1, "on {version}");

        // Everything that fits was read; what does not says why.
        let failed = "select count(*) from monitoring.collector_status where outcome = 'failed'";
        assert_eq!(monitored.number(failed).await.unwrap(), 0, "on {version}");
        let skipped = "select count(*) from monitoring.collector_status where collector = 'table_bloat_measured' \
                       and outcome = 'skipped' and reason like 'missing_extension: %pgstattuple%'";
        assert_eq!(monitored.number(skipped).await.unwrap(), 1, "on {version}");
        monitored.run("create extension pgstattuple").await.unwrap();
        collect(&application).await;
        let skipped = "select count(*) from monitoring.collector_status where collector = 'table_bloat_measured' and outcome = 'skipped'";
        assert_eq!(monitored.number(skipped).await.unwrap(), 0, "on {version}");
        application.stop().await.unwrap();
    }
}
