//! A database on a server, with the login that may read its statistics and one that may not.

use std::time::{Duration, Instant};

use db::Connection;
use integration_tests::database::connect;
use integration_tests::monitored::COLLECTOR_PASSWORD;
use integration_tests::{Database, Server};
use store::logins::{Login, Verifier};
use tokio_postgres::Client;

/// The password of the login without any right.
const PLAIN_PASSWORD: &str = "plain-login-of-the-tests";

/// A database that is read.
pub(crate) struct Watched {
    url: String,
    name: String,
    server: Server,
    /// A superuser's connection.
    pub(crate) admin: Client,
    /// A connection of the collector's login, which has `pg_monitor` and nothing else.
    pub(crate) monitor: Connection,
    /// Dropped last, when nobody is connected any more.
    _database: Option<Database>,
}

impl Watched {
    /// A fresh database on the server that all tests share.
    pub(crate) async fn database(version: u32, test: &str) -> Watched {
        let server = Server::shared(version).await.unwrap();
        let database = Database::new(&server, &format!("collectors::{test}::{version}"))
            .await
            .unwrap();
        let name = database.name().to_owned();
        Watched {
            _database: Some(database),
            ..Watched::at(&server, &name).await
        }
    }

    /// A database of a server that belongs to the test.
    pub(crate) async fn at(server: &Server, name: &str) -> Watched {
        let url = server.url(name);
        let administrator = open(&url).await;
        let verifier = postgres_protocol::password::scram_sha_256(COLLECTOR_PASSWORD.as_bytes());
        let verifier = Verifier::new(verifier).unwrap();
        store::logins::ensure(&administrator, &[(Login::Collector, verifier)])
            .await
            .unwrap();
        drop(administrator);
        Watched::replica(server, name).await
    }

    /// A database of a replica, where the login came along with the data of the primary.
    pub(crate) async fn replica(server: &Server, name: &str) -> Watched {
        let url = server.url(name);
        let collector = server.url_as(Login::Collector.role(), COLLECTOR_PASSWORD, name);
        Watched {
            admin: connect(&url).await.unwrap(),
            monitor: open(&collector).await,
            url,
            name: name.to_owned(),
            server: server.clone(),
            _database: None,
        }
    }

    /// The name of the database.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Another session of the superuser, known by the name of its application.
    pub(crate) async fn session(&self, application: &str) -> Client {
        let session = connect(&self.url).await.unwrap();
        let name = format!("set application_name = '{application}'");
        session.batch_execute(&name).await.unwrap();
        session
    }

    /// A connection of a login without any right, to which the server tells only what it tells everybody.
    pub(crate) async fn plain(&self) -> Connection {
        let create = format!(
            "do $$ begin create role collectors_plain login password '{PLAIN_PASSWORD}'; \
             exception when duplicate_object or unique_violation then null; end $$"
        );
        self.admin.batch_execute(&create).await.unwrap();
        open(&self.server.url_as("collectors_plain", PLAIN_PASSWORD, &self.name)).await
    }

    /// Runs statements as the superuser, each on its own.
    pub(crate) async fn run(&self, statements: &[&str]) {
        for statement in statements {
            self.admin
                .batch_execute(statement)
                .await
                .unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
    }

    /// A number from the catalog.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.admin.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// Waits until a statement gives `true`: statistics come a moment after what they count.
    pub(crate) async fn until(&self, sql: &str) {
        let begin = Instant::now();
        while !self.admin.query_one(sql, &[]).await.unwrap().get::<_, bool>(0) {
            assert!(begin.elapsed().as_secs() < 30, "did not come to be: {sql}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A connection as the functions make it.
async fn open(url: &str) -> Connection {
    db::connect(&url.parse().unwrap()).await.unwrap()
}
