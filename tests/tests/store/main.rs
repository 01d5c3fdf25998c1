//! The monitoring schema on real servers: what the statements of `store` do, alone and side by side.

#![expect(clippy::unwrap_used, reason = "what the tests share may fail as they do")]

mod alerts;
mod carried;
mod collectors;
mod forecast;
mod health;
mod load_runs;
mod metrics;
mod migrations;
mod observations;
mod outbox;
mod privileges;
mod quiet;
mod responses;
mod restarts;
mod retention;
mod roll_ups;
mod rules;
mod runs;
mod snapshots;
mod targets;
mod trust;

use std::time::Duration;

use db::{Client, Connection, Rows, SafeUrl, Value};
use integration_tests::monitored::{EVERY_LOGIN, MAINTENANCE_PASSWORD, admit_logins};
use integration_tests::{Database, Server, test_versions};
use store::logins::{Login, Verifier};
use store::targets::{Claim, NewTarget, Target};

const PASSWORD: &str = integration_tests::monitored::COLLECTOR_PASSWORD;

/// A migrated database with the logins of pgvitals.
struct Monitoring {
    database: Database,
    /// A superuser's connection.
    admin: Connection,
    /// A connection with the rights of all logins in the monitoring database.
    store: Connection,
}

impl Monitoring {
    /// On the newest version, which most tests do with.
    async fn new(test: &str) -> Monitoring {
        Monitoring::on(test_versions()[0], test).await
    }

    async fn on(version: u32, test: &str) -> Monitoring {
        let server = Server::shared(version).await.unwrap();
        let database = Database::new(&server, &format!("store::{test}::{version}"))
            .await
            .unwrap();
        let admin = connect(&database.url()).await;
        admit_logins(&admin, PASSWORD).await.unwrap();
        store::migrations::migrate(&admin).await.unwrap();
        let store = connect(&database.url_as(EVERY_LOGIN, PASSWORD)).await;
        Monitoring {
            database,
            admin,
            store,
        }
    }

    /// Another connection like `store`, for what happens at the same time.
    async fn another(&self) -> Connection {
        connect(&self.database.url_as(EVERY_LOGIN, PASSWORD)).await
    }

    /// A connection as one of the logins.
    async fn login(&self, login: Login) -> Connection {
        let mut password = PASSWORD;
        if login == Login::Maintenance {
            password = MAINTENANCE_PASSWORD;
            let verifier = postgres_protocol::password::scram_sha_256(password.as_bytes());
            let logins = [(login, Verifier::new(verifier).unwrap())];
            store::logins::ensure(&self.admin, &logins).await.unwrap();
        }
        connect(&self.database.url_as(login.role(), password)).await
    }

    /// A target, which is this database itself.
    async fn target(&self, name: &str) -> i32 {
        let address = format!(
            "postgres://pgvitals_collector@127.0.0.1:{}/x",
            self.database.server().port()
        );
        store::targets::add(&self.store, &NewTarget::new(name, address))
            .await
            .unwrap()
    }

    /// A number that the superuser reads.
    async fn number(&self, sql: &str) -> i64 {
        rows(&self.admin, sql).await.one().unwrap().at(0).unwrap()
    }

    /// A statement of the superuser.
    async fn run(&self, sql: &str) {
        self.admin.execute(sql, &[]).await.unwrap();
    }
}

fn verifier() -> Verifier {
    Verifier::new(postgres_protocol::password::scram_sha_256(PASSWORD.as_bytes())).unwrap()
}

async fn connect(url: &str) -> Connection {
    db::connect(&url.parse::<SafeUrl>().unwrap()).await.unwrap()
}

async fn rows(client: &impl Client, sql: &str) -> Rows {
    client.query(sql, &[]).await.unwrap()
}

/// The SQLSTATE with which a statement is refused.
async fn refusal(client: &impl Client, sql: &str) -> String {
    let parameters: [Value; 0] = [];
    match client.execute(sql, &parameters).await {
        Ok(_) => format!("not refused: {sql}"),
        Err(error) => error.sqlstate.clone().unwrap_or_else(|| error.to_string()),
    }
}

async fn claim(client: &impl Client, holder: &str, only_due: bool) -> Vec<Target> {
    let claim = Claim {
        holder,
        limit: 100,
        longest: Duration::from_secs(45),
        margin: Duration::from_secs(15),
        only_due,
    };
    store::targets::claim_due(client, &claim).await.unwrap()
}
