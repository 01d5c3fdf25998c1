//! A database with the schema of the reference workload, and ways to ask it.

use std::time::Duration;

use db::SafeUrl;
use integration_tests::database::connect;
use integration_tests::{Database, Server, test_versions};
use tokio_postgres::{Client, Error, SimpleQueryMessage};

/// A database with the schema.
pub(crate) struct Clinic {
    database: Database,
    admin: Client,
}

impl Clinic {
    /// One on each version of the run, for the test of that name.
    pub(crate) async fn on_each_version(test: &str) -> Vec<Self> {
        let mut clinics = Vec::new();
        for version in test_versions() {
            let server = Server::shared(version).await.unwrap();
            let database = Database::new(&server, &format!("guardian::{test}::{version}"))
                .await
                .unwrap();
            install(&database.url()).await;
            let admin = database.connect().await.unwrap();
            let clinic = Self { database, admin };
            clinic.run(include_str!("fixture.sql")).await;
            clinics.push(clinic);
        }
        clinics
    }

    /// Another session of the owner.
    pub(crate) async fn session(&self) -> Client {
        connect(&self.database.url()).await.unwrap()
    }

    /// Statements of the owner.
    pub(crate) async fn run(&self, sql: &str) {
        run(&self.admin, sql).await;
    }

    /// The rows of a statement of the owner, the columns of each with `|` between.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<String> {
        rows(&self.admin, sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    /// The one value of the one row of a statement of the owner.
    pub(crate) async fn value(&self, sql: &str) -> String {
        value(&self.admin, sql).await
    }

    /// The same, of a number.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.value(sql).await.parse().unwrap()
    }

    /// What the owner's statement is refused with.
    pub(crate) async fn refusal(&self, sql: &str) -> String {
        refusal(rows(&self.admin, sql).await, sql)
    }

    /// The rows of a request of a user, which is committed.
    pub(crate) async fn request(&self, user: &str, sql: &str) -> Result<Vec<String>, Error> {
        let session = self.session().await;
        let token = format!(
            "begin; set local role authenticated; \
             select set_config('request.jwt.claims', \
               json_build_object('sub', made.id('{user}'), 'role', 'authenticated')::text, true)"
        );
        // The schema of the fixture is the owner's: its ids are made before the role is taken.
        let token = token.replace(
            &format!("made.id('{user}')"),
            &format!("'{}'", self.value(&format!("select made.id('{user}')")).await),
        );
        run(&session, &token).await;
        let answer = rows(&session, sql).await?;
        run(&session, "commit").await;
        Ok(answer)
    }

    /// What a user is answered.
    pub(crate) async fn seen(&self, user: &str, sql: &str) -> Vec<String> {
        self.request(user, sql)
            .await
            .unwrap_or_else(|error| panic!("{user}: {sql}: {error:?}"))
    }

    /// What a user is refused with.
    pub(crate) async fn refused(&self, user: &str, sql: &str) -> String {
        refusal(self.request(user, sql).await, &format!("{user}: {sql}"))
    }

    /// Waits until a statement answers `t`.
    pub(crate) async fn wait_for(&self, sql: &str) {
        for _ in 0..600 {
            if self.value(sql).await == "t" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("it never came about: {sql}");
    }
}

/// Installs the schema as the command does.
pub(crate) async fn install(url: &str) {
    let connection = db::connect(&url.parse::<SafeUrl>().unwrap()).await.unwrap();
    guardian::schema::install(&connection, false).await.unwrap();
}

/// Statements in a session.
pub(crate) async fn run(session: &Client, sql: &str) {
    if let Err(error) = session.batch_execute(sql).await {
        panic!("{sql}: {error:?}");
    }
}

/// The rows of a statement in a session, the columns of each with `|` between.
pub(crate) async fn rows(session: &Client, sql: &str) -> Result<Vec<String>, Error> {
    let messages = session.simple_query(sql).await?;
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            let columns: Vec<&str> = (0..row.len()).map(|index| row.get(index).unwrap_or("")).collect();
            Some(columns.join("|"))
        }
        _ => None,
    });
    Ok(rows.collect())
}

/// The one value of the one row of a statement in a session.
pub(crate) async fn value(session: &Client, sql: &str) -> String {
    let rows = rows(session, sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    assert_eq!(rows.len(), 1, "{sql}: {rows:?}");
    rows.into_iter().next().unwrap()
}

/// The message and code of a refusal.
fn refusal(answer: Result<Vec<String>, Error>, sql: &str) -> String {
    match answer {
        Ok(rows) => panic!("{sql} was not refused: {rows:?}"),
        Err(error) => {
            let error = error.as_db_error().unwrap_or_else(|| panic!("{sql}: {error}"));
            format!("{} {}", error.code().code(), error.message())
        }
    }
}
