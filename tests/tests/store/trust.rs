//! A schema that somebody else prepared is not trusted.

use db::{Client, Connection};
use integration_tests::{Database, Server, test_versions};
use store::migrations::{self, MigrationError};

use crate::{Monitoring, connect, verifier};

/// A database of an ordinary role, who waits in it for an administrator.
struct Trap {
    database: Database,
    admin: Connection,
    owner: Connection,
    role: String,
}

impl Trap {
    async fn on(version: u32, test: &str) -> Self {
        let server = Server::shared(version).await.unwrap();
        let database = Database::new(&server, &format!("store::{test}::{version}"))
            .await
            .unwrap();
        let admin = connect(&database.url()).await;
        let role = format!("trapper_{test}");
        for sql in [
            format!("drop role if exists {role}"),
            format!("create role {role} login password 'of-the-trapper'"),
            format!("alter database \"{}\" owner to {role}", database.name()),
        ] {
            admin.execute(&sql, &[]).await.unwrap();
        }
        store::logins::ensure(&admin, &[(store::logins::Login::Collector, verifier())])
            .await
            .unwrap();
        let owner = connect(&database.url_as(&role, "of-the-trapper")).await;
        Self {
            database,
            admin,
            owner,
            role,
        }
    }

    async fn is_superuser(&self) -> bool {
        let sql = "select rolsuper::bool as found from pg_catalog.pg_roles where rolname = $1";
        let rows = self.admin.query(sql, &[self.role.as_str().into()]).await.unwrap();
        rows.one().unwrap().get("found").unwrap()
    }

    async fn refused(&self) -> MigrationError {
        let prepared = migrations::prepare(&self.admin).await.unwrap_err();
        let migrated = migrations::migrate(&self.admin).await.unwrap_err();
        assert_eq!(prepared.to_string(), migrated.to_string());
        assert!(!self.is_superuser().await);
        assert!(migrated.hint().unwrap().starts_with("nothing was changed"));
        migrated
    }
}

#[tokio::test]
async fn a_journal_with_a_trigger_of_the_owner_of_the_database_is_not_written_to() {
    for version in test_versions() {
        let trap = Trap::on(version, "journal").await;
        trap.owner
            .run_all(&format!(
                "create schema monitoring;
                 create table monitoring.schema_migrations (
                   version int4 primary key, name text not null, checksum text not null,
                   applied_at timestamptz not null default now()
                 );
                 create function monitoring.rise() returns trigger language plpgsql as
                   $$ begin execute 'alter role {} superuser'; return new; end $$;
                 create trigger rise before insert on monitoring.schema_migrations
                   for each row execute function monitoring.rise();
                 grant all on schema monitoring to public;
                 grant all on all tables in schema monitoring to public",
                trap.role
            ))
            .await
            .unwrap();
        assert_eq!(
            trap.refused().await.to_string(),
            "the schema monitoring cannot be trusted: schema \"monitoring\" of role \"trapper_journal\""
        );
        // The trap itself works: whoever writes there with rights of an administrator gives them away.
        trap.admin
            .run_all("insert into monitoring.schema_migrations values (1, 'x', 'x')")
            .await
            .unwrap();
        assert!(trap.is_superuser().await);
        trap.admin
            .run_all(&format!("alter role {} nosuperuser", trap.role))
            .await
            .unwrap();
        drop(trap.database);
    }
}

#[tokio::test]
async fn whatever_others_have_in_the_schema_is_named() {
    let version = test_versions()[0];
    for (name, sql, expected) in [
        ("table", "create table monitoring.planted ()", "table \"planted\""),
        (
            "function",
            "create function monitoring.planted() returns int4 language sql as 'select 1'",
            "function \"planted\"",
        ),
        (
            "type",
            "create type monitoring.planted as enum ('a')",
            "type \"planted\"",
        ),
        (
            "operator",
            "create operator monitoring.=== (leftarg = text, rightarg = text, function = texteq)",
            "operator \"===\"",
        ),
    ] {
        let trap = Trap::on(version, name).await;
        migrations::migrate(&trap.admin).await.unwrap();
        let grant = format!("grant create, usage on schema monitoring to {}", trap.role);
        trap.admin.run_all(&grant).await.unwrap();
        trap.owner.run_all(sql).await.unwrap();
        trap.admin
            .run_all(&grant.replace("grant", "revoke").replace(" to ", " from "))
            .await
            .unwrap();
        assert_eq!(
            trap.refused().await.to_string(),
            format!("the schema monitoring cannot be trusted: {expected} of role \"trapper_{name}\"")
        );
    }
}

#[tokio::test]
async fn the_right_to_add_to_the_schema_is_named() {
    let version = test_versions()[0];
    for (name, grant, expected) in [
        (
            "create",
            "grant create on schema monitoring to",
            "right to create in the schema \"monitoring\"",
        ),
        (
            "trigger",
            "grant trigger on monitoring.rules to",
            "right to make triggers on the table \"rules\"",
        ),
    ] {
        let trap = Trap::on(version, name).await;
        migrations::migrate(&trap.admin).await.unwrap();
        trap.admin
            .run_all(&format!("{grant} {}", trap.role))
            .await
            .unwrap();
        assert_eq!(
            trap.refused().await.to_string(),
            format!("the schema monitoring cannot be trusted: {expected} of role \"trapper_{name}\"")
        );
    }
}

#[tokio::test]
async fn a_migrated_schema_is_trusted_on_every_version() {
    for version in test_versions() {
        let room = Monitoring::on(version, "trusted").await;
        let foreign = db::foreign_objects(&room.admin, "monitoring", store::logins::OWNER).await;
        assert_eq!(foreign.unwrap(), []);
        migrations::prepare(&room.admin).await.unwrap();
    }
}
