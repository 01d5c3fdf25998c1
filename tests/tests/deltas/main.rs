//! What is stored is what happened, whatever becomes of the counters in between: on real servers.
//!
//! - `statements.rs`: evictions, resets, versions of the extension
//! - `databases.rs`: resets of the cumulative statistics
//! - `servers.rs`: missed cycles, fail-overs, servers with several targets

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod databases;
mod servers;
mod statements;

use integration_tests::database::connect;
use integration_tests::monitored::COLLECTOR_PASSWORD;
use integration_tests::{Application, DedicatedServer, Monitored};
use store::logins::Login;
use tokio_postgres::Client;

/// The statement that is counted.
const COUNTED: &str = "select count(*) as counted_by_the_test from pg_class where relname = 'Erika'";

/// A server, what watches it, and a session that does what is counted.
struct Room {
    server: DedicatedServer,
    monitored: Monitored,
    application: Application,
    client: Client,
}

impl Room {
    async fn new(version: u32, settings: &[(&str, &str)]) -> Room {
        let server = DedicatedServer::start_with(version, settings).await.unwrap();
        let monitored = watched(&server).await;
        let application = Application::builder(monitored.url())
            .without_other_schedules()
            .start()
            .await
            .unwrap();
        let client = connect(&server.url("postgres")).await.unwrap();
        Room {
            server,
            monitored,
            application,
            client,
        }
    }

    async fn collect(&self) {
        let answer = self.application.post("/collect-stats").await.unwrap();
        let outcome = &answer.json().unwrap()["outcome"];
        assert!(answer.status == 200 && outcome == "ok", "{}", answer.body);
    }

    async fn run(&self, times: usize) {
        for _ in 0..times {
            self.client.simple_query(COUNTED).await.unwrap();
        }
    }

    async fn batch(&self, statements: &str) {
        self.client.batch_execute(statements).await.unwrap();
    }

    async fn number(&self, sql: &str) -> i64 {
        self.monitored.number(sql).await.unwrap()
    }

    /// The versions of pg_stat_statements that the server has, from one on.
    async fn extension_versions(&self, first: &str) -> Vec<String> {
        let sql = "select version from pg_catalog.pg_available_extension_versions where name = 'pg_stat_statements' \
                   and pg_catalog.string_to_array(version, '.')::int4[] >= pg_catalog.string_to_array($1, '.')::int4[] \
                   order by pg_catalog.string_to_array(version, '.')::int4[]";
        let rows = self.client.query(sql, &[&first]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// How many calls of the counted statement were stored, of all targets.
    async fn stored(&self) -> i64 {
        let sql = "select coalesce(sum(sample.calls), 0)::int8 from monitoring.statement_samples as sample \
                   join monitoring.statements using (statement_id) where query like '%counted_by_the_test%'";
        self.number(sql).await
    }
}

/// A server with the logins and the schema, as the first target of itself.
async fn watched(server: &DedicatedServer) -> Monitored {
    let collector = server.url_as(Login::Collector.role(), COLLECTOR_PASSWORD, "postgres");
    Monitored::at(&server.url("postgres"), &collector).await.unwrap()
}
