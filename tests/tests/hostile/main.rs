//! Somebody who may create things in a watched database, or owns it, runs no code as a login of pgvitals and changes
//! nothing of what it reads.
//!
//! - `traps`: operators, functions, types and views that stand in for PostgreSQL's own, wherever an ordinary role can put
//!   them; everything that the application does is done as each of its logins, and none is sprung. The commands are run
//!   likewise by `cli/tests/it/hostile.rs`;
//! - `settings`: hostile defaults of a database and of a role, and what is collected with them and without;
//! - `functions`: the functions of the schema `monitoring`;
//! - `pooler`: what is left of all this behind a pooler.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails, in its helpers as well"
)]

mod functions;
mod pooler;
mod settings;
mod traps;

use db::{Client as _, Connection, SafeUrl};
use integration_tests::monitored::{COLLECTOR_PASSWORD, MAINTENANCE_PASSWORD, logins};
use integration_tests::{Application, HostileDatabase};
use serde_json::{Value, json};
use store::logins::{Login, Verifier};
use store::targets::NewTarget;

/// A pinned session, as commands and functions have it.
async fn session(url: &str) -> Connection {
    db::connect(&url.parse::<SafeUrl>().unwrap()).await.unwrap()
}

fn collector(database: &HostileDatabase) -> String {
    database.url_as(Login::Collector.role(), COLLECTOR_PASSWORD)
}

fn verifier(password: &str) -> Verifier {
    Verifier::new(postgres_protocol::password::scram_sha_256(password.as_bytes())).unwrap()
}

/// Makes the database a monitoring database that watches itself, as `up` does.
async fn set_up(database: &HostileDatabase) {
    let admin = session(&database.url()).await;
    let mut logins = logins(COLLECTOR_PASSWORD).unwrap();
    logins.push((Login::Maintenance, verifier(MAINTENANCE_PASSWORD)));
    store::logins::ensure(&admin, &logins).await.unwrap();
    store::migrations::migrate(&admin).await.unwrap();
    let extension = "create extension if not exists pg_stat_statements schema public";
    admin.execute(extension, &[]).await.unwrap();
    let collector = collector(database);
    let address = collector.replace(&format!(":{COLLECTOR_PASSWORD}@"), "@");
    let mut target = NewTarget::new("local", address);
    target.interval = std::time::Duration::from_secs(1);
    target.timeout = std::time::Duration::from_secs(10);
    let operator = database.url_as(Login::Operator.role(), COLLECTOR_PASSWORD);
    store::targets::add(&session(&operator).await, &target)
        .await
        .unwrap();
}

/// The whole application, which does nothing by itself.
async fn application(database: &HostileDatabase) -> Application {
    let passwords = json!({ "default": MAINTENANCE_PASSWORD }).to_string();
    Application::builder(&collector(database))
        .variable("maintenance_passwords", &passwords)
        .without_other_schedules()
        .start()
        .await
        .unwrap()
}

/// Runs a function, which must succeed, and gives its report.
async fn run(application: &Application, function: &str) -> Value {
    let answer = application.post(&format!("/{function}")).await.unwrap();
    assert_eq!(answer.status, 200, "{function}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}
