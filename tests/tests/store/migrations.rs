//! How the schema comes to be.

use db::{Client, Connection};
use integration_tests::{Database, Server, test_versions};
use store::migrations::{self, MigrationError};

use crate::{Monitoring, connect, refusal, verifier};

#[tokio::test]
async fn a_database_is_migrated_once_on_every_version() {
    for version in test_versions() {
        let room = Monitoring::on(version, "migrated_once").await;
        assert_eq!(migrations::outstanding(&room.admin).await.unwrap(), []);
        let again = migrations::migrate(&room.admin).await.unwrap();
        assert_eq!(again.migrations, []);
        assert_eq!(again.version, migrations::ALL.last().unwrap().version);
        assert_eq!(
            room.number("select count(*) from monitoring.schema_migrations")
                .await,
            i64::from(again.version)
        );
        assert_eq!(
            room.number("select count(*) from monitoring.rules where enabled")
                .await,
            45
        );
    }
}

#[tokio::test]
async fn migrators_at_the_same_time_wait_for_each_other() {
    let server = Server::shared(test_versions()[0]).await.unwrap();
    let database = Database::new(&server, "store::concurrent_migrators")
        .await
        .unwrap();
    let first = connect(&database.url()).await;
    store::logins::ensure(&first, &[(store::logins::Login::Collector, verifier())])
        .await
        .unwrap();
    let others = [connect(&database.url()).await, connect(&database.url()).await];
    let (a, b, c) = tokio::join!(
        migrations::migrate(&first),
        migrations::migrate(&others[0]),
        migrations::migrate(&others[1])
    );
    let mut applied: Vec<usize> = [a, b, c]
        .map(|outcome| outcome.unwrap().migrations.len())
        .into_iter()
        .collect();
    applied.sort_unstable();
    assert_eq!(applied, [0, 0, migrations::ALL.len()]);
}

#[tokio::test]
async fn a_database_of_a_later_release_is_left_alone() {
    let room = Monitoring::new("later_release").await;
    room.run("insert into monitoring.schema_migrations (version, name, checksum) values (99, 'later', 'x')")
        .await;
    let error = migrations::migrate(&room.admin).await.unwrap_err();
    assert!(
        matches!(error, MigrationError::TooNew { found: 99, .. }),
        "{error}"
    );
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn a_migration_that_was_edited_is_noticed() {
    let room = Monitoring::new("edited").await;
    room.run("update monitoring.schema_migrations set checksum = 'x' where version = 2")
        .await;
    let error = migrations::migrate(&room.admin).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "migration 2 (samples) differs from the one that was applied"
    );
}

/// What a managed service gives: a role that may create roles and owns the database, but is no superuser.
async fn limited_administrator(database: &Database) -> Connection {
    let admin = connect(&database.url()).await;
    let role = format!("limited_{}", database.server().version());
    let create = format!(
        "do $do$ begin if not exists (select 1 from pg_roles where rolname = '{role}') then
         create role {role} login createrole password 'limited'; end if; end $do$"
    );
    admin.execute(&create, &[]).await.unwrap();
    for grant in [
        "grant pg_monitor to ROLE with admin option",
        "alter database NAME owner to ROLE",
    ] {
        let grant = grant
            .replace("ROLE", &role)
            .replace("NAME", &format!("\"{}\"", database.name()));
        admin.execute(&grant, &[]).await.unwrap();
    }
    // Roles that another test created are not this administrator's to grant, as they would be on a server of its own.
    let logins = store::logins::Login::ALL
        .into_iter()
        .map(store::logins::Login::role);
    for role_name in logins.chain(["pgvitals_owner"]) {
        let grant = format!(
            "do $do$ begin if exists (select 1 from pg_roles where rolname = '{role_name}') then
             grant {role_name} to {role} with admin option; end if; end $do$"
        );
        admin.execute(&grant, &[]).await.unwrap();
    }
    connect(&database.url_as(&role, "limited")).await
}

#[tokio::test]
async fn an_administrator_who_is_no_superuser_can_migrate() {
    for version in test_versions() {
        let server = Server::shared(version).await.unwrap();
        let database = Database::new(&server, &format!("store::limited::{version}"))
            .await
            .unwrap();
        let limited = limited_administrator(&database).await;
        store::logins::ensure(&limited, &[(store::logins::Login::Writer, verifier())])
            .await
            .unwrap();
        migrations::migrate(&limited).await.unwrap();
        let writer = connect(&database.url_as("pgvitals_writer", crate::PASSWORD)).await;
        let changes = store::retention::maintain(&writer).await.unwrap();
        assert_eq!(changes, 0, "the partitions were made by the migration");
    }
}

#[tokio::test]
async fn a_malformed_row_is_refused_where_it_is_written() {
    let room = Monitoring::new("malformed").await;
    room.target("kept").await;
    let rule = "insert into monitoring.rules (rule_id, summary, metric, comparison, resolve, warning, critical) values";
    let target = "insert into monitoring.targets (name, address) values";
    let channel = "insert into monitoring.channels (name, kind, url, secret) values";
    for (table, values) in [
        (rule, "('r', 's', 'statement_mean_ms', 'above', 5, 20, 10)"),
        (rule, "('r', 's', 'statement_mean_ms', 'above', 5, 10, 10)"),
        (rule, "('r', 's', 'cache_hit_percent', 'below', 99, 80, 90)"),
        (rule, "('r', 's', 'statement_mean_ms', 'above', 15, 10, 20)"),
        (rule, "('r', 's', 'statement_mean_ms', 'above', 'nan', 10, 20)"),
        (
            rule,
            "('r', 's', 'statement_mean_ms', 'above', 5, 10, 'infinity')",
        ),
        (rule, "('r', 's', 'statement_mean_ms', 'above', 5, null, null)"),
        (rule, "('r', 's', 'unheard_of', 'above', 5, 10, 20)"),
        (rule, "('r', 's', 'statement_mean_ms', 'beside', 5, 10, 20)"),
        (rule, "('r', ' ', 'statement_mean_ms', 'above', 5, 10, 20)"),
        (
            rule,
            "('Not plain', 's', 'statement_mean_ms', 'above', 5, 10, 20)",
        ),
        (target, "('t', 'postgres://user:secret@host/db')"),
        (target, "('t', 'postgres://user@host/db?password=secret')"),
        (target, "('t', 'http://host')"),
        (target, "('T t', 'postgres://user@host/db')"),
        (channel, "('c', 'webhook', 'https://example.com', 'secret')"),
        (channel, "('c', 'webhook', null, null)"),
        (channel, "('c', 'pigeon', 'https://example.com', null)"),
        (channel, "('c', 'slack', 'ftp://example.com', null)"),
        (
            "insert into monitoring.partitioned_tables (table_name, retention, step) values",
            "('x', '1 day', '1 hour')",
        ),
    ] {
        assert_eq!(
            refusal(&room.admin, &format!("{table} {values}")).await,
            "23514",
            "{values}"
        );
    }
    let good = format!("{rule} ('r', 's', 'cache_hit_percent', 'below', 96, 95, null)");
    assert_eq!(room.admin.execute(&good, &[]).await.unwrap(), 1);
    assert_eq!(store::rules::all(&room.store).await.unwrap().faults, []);
}
