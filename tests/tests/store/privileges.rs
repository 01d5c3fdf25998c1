//! What the collector may do, and what it may not.

use integration_tests::test_versions;

use crate::{Monitoring, refusal};

#[tokio::test]
async fn the_collector_writes_the_monitoring_schema_and_nothing_else() {
    for version in test_versions() {
        let room = Monitoring::on(version, "least_privilege").await;
        room.run("create table public.business (secret text)").await;
        for statement in [
            "select * from public.business",
            "insert into public.business values ('x')",
            "create table monitoring.mine (n int)",
            "drop table monitoring.rules",
            "truncate monitoring.rules",
            "alter table monitoring.rules add column n int",
            "update monitoring.schema_migrations set checksum = ''",
            "update monitoring.partitioned_tables set retention = '1 day'",
            "select monitoring.maintain_table('function_runs')",
            "select monitoring.make_partition('samples', now() - interval '1 year')",
            "update monitoring.retention set raw = '1 day'",
            "update monitoring.roll_up_progress set rolled_to = now()",
            "create role mine",
            "create schema mine",
            "set role pgvitals_owner",
        ] {
            assert_eq!(
                refusal(&room.collector, statement).await,
                "42501",
                "{version}: {statement}"
            );
        }
        for statement in [
            "select monitoring.maintain_partitions()",
            "select monitoring.drop_old_partitions()",
            "select monitoring.remove_old_rows()",
            "select monitoring.begin_roll_ups()",
            "select monitoring.roll_up(1, 'samples', 'hourly')",
            "update monitoring.rules set enabled = enabled",
            "delete from monitoring.outbox",
            "select * from monitoring.schema_migrations",
        ] {
            assert!(
                refusal(&room.collector, statement)
                    .await
                    .starts_with("not refused"),
                "{version}: {statement}"
            );
        }
    }
}

#[tokio::test]
async fn a_stranger_does_not_even_see_the_schema() {
    let room = Monitoring::new("stranger").await;
    for privilege in ["has_schema_privilege('public', 'monitoring', 'usage')::int::int8"] {
        assert_eq!(room.number(&format!("select {privilege}")).await, 0);
    }
    let open = "select count(*) from pg_proc where pronamespace = 'monitoring'::regnamespace
                and has_function_privilege('public', oid, 'execute')";
    assert_eq!(room.number(open).await, 0);
}

#[tokio::test]
async fn no_password_reaches_the_log_of_the_server() {
    let room = Monitoring::new("no_password_in_log").await;
    room.run("set log_statement = 'all'").await;
    let logins = [(store::logins::Login::Collector, crate::verifier())];
    store::logins::ensure(&room.admin, &logins).await.unwrap();
    let log = room.database.server().log();
    assert!(
        log.contains("alter role pgvitals_collector with login password"),
        "the statement was not logged"
    );
    assert!(!log.contains(crate::PASSWORD));
}
