//! A server that is ready to be watched: logins, schema, and the database itself as its first target.

use anyhow::{Context, Result};
use db::{Client, Connection, SafeUrl};
use store::channels::Address;
use store::logins::{Login, Verifier};
use store::targets::NewTarget;
use vitals::level::Level;

use crate::{Database, Receiver};

/// The password of the collector on every test server, and of the logins in the monitoring database: roles are shared by
/// all databases of a server.
pub const COLLECTOR_PASSWORD: &str = "collector-of-the-tests";
/// The password of the maintenance login, where it is let in.
pub const MAINTENANCE_PASSWORD: &str = "maintenance-of-the-tests";
/// A login of the tests with the rights of all logins in the monitoring database, and no others.
pub const EVERY_LOGIN: &str = "pgvitals_every_login";
/// The name of the first target.
pub const TARGET: &str = "local";

/// A migrated monitoring database that watches itself every second.
#[derive(Debug)]
pub struct Monitored {
    admin_url: String,
    collector_url: String,
}

impl Monitored {
    /// Makes a test's database ready.
    pub async fn on(database: &Database) -> Result<Self> {
        let collector_url = database.url_as(Login::Collector.role(), COLLECTOR_PASSWORD);
        Self::at(&database.url(), &collector_url).await
    }

    /// Makes a database ready of which the superuser's and the collector's addresses are given.
    pub async fn at(admin_url: &str, collector_url: &str) -> Result<Self> {
        let monitored = Self {
            admin_url: admin_url.to_owned(),
            collector_url: collector_url.to_owned(),
        };
        admit(admin_url).await?;
        store::migrations::migrate(&monitored.admin().await?).await?;
        monitored.watch(TARGET, collector_url).await?;
        Ok(monitored)
    }

    /// The collector's address, for [`Application::builder`](crate::Application::builder).
    pub fn url(&self) -> &str {
        &self.collector_url
    }

    /// The address of the monitoring database for one of the logins in it.
    pub fn url_as(&self, login: Login) -> Result<String> {
        let url: SafeUrl = self.collector_url.parse().context("the collector's address")?;
        let url = url.with_user(login.role()).with_password(COLLECTOR_PASSWORD);
        Ok(url.expose())
    }

    /// A superuser's connection.
    pub async fn admin(&self) -> Result<Connection> {
        connect(&self.admin_url).await
    }

    /// Adds a target that the collector's password opens.
    pub async fn watch(&self, name: &str, collector_url: &str) -> Result<i32> {
        let address = collector_url.replace(&format!(":{COLLECTOR_PASSWORD}@"), "@");
        let mut target = NewTarget::new(name, address);
        target.interval = std::time::Duration::from_secs(1);
        target.timeout = std::time::Duration::from_secs(3);
        Ok(store::targets::add(&self.admin().await?, &target).await?)
    }

    /// Lets the maintenance login in; what it may do there is for the test to grant.
    pub async fn admit_maintenance(&self) -> Result<()> {
        let logins = [(Login::Maintenance, verifier(MAINTENANCE_PASSWORD)?)];
        store::logins::ensure(&self.admin().await?, &logins).await?;
        Ok(())
    }

    /// Adds a channel that leads to a receiver.
    pub async fn tell(&self, name: &str, kind: &str, receiver: &Receiver, path: &str) -> Result<()> {
        let address = Address::Url(receiver.url(path));
        store::channels::add(&self.admin().await?, name, kind, &address, Level::Warning).await?;
        Ok(())
    }

    /// Runs a statement as the superuser.
    pub async fn run(&self, sql: &str) -> Result<()> {
        self.admin()
            .await?
            .execute(sql, &[])
            .await
            .with_context(|| format!("cannot run {sql}"))?;
        Ok(())
    }

    /// Reads one number as the superuser.
    pub async fn number(&self, sql: &str) -> Result<i64> {
        Ok(self
            .admin()
            .await?
            .query(sql, &[])
            .await
            .with_context(|| format!("cannot run {sql}"))?
            .one()?
            .at(0)?)
    }

    /// Waits until a statement gives `true`.
    pub async fn until(&self, what: &str, sql: &str) -> Result<()> {
        let begin = std::time::Instant::now();
        let admin = self.admin().await?;
        loop {
            if admin.query(sql, &[]).await?.one()?.at::<bool>(0)? {
                return Ok(());
            }
            anyhow::ensure!(
                begin.elapsed().as_secs() < 60,
                "{what} did not come to be within 60 s"
            );
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }
}

/// Makes a server ready to be watched from another one: the login of the collector, and pg_stat_statements in the
/// database of the superuser's address.
pub async fn admit(admin_url: &str) -> Result<()> {
    let admin = connect(admin_url).await?;
    admin
        .execute(
            "create extension if not exists pg_stat_statements schema public",
            &[],
        )
        .await?;
    store::logins::ensure(&admin, &logins(COLLECTOR_PASSWORD)?).await?;
    Ok(())
}

/// All logins but the one for maintenance, which a test lets in itself, with one password.
pub fn logins(password: &str) -> Result<Vec<(Login, Verifier)>> {
    let verifier = verifier(password)?;
    let logins = Login::ALL
        .into_iter()
        .filter(|login| *login != Login::Maintenance);
    Ok(logins.map(|login| (login, verifier.clone())).collect())
}

/// Lets in all logins as [`logins`] has them, and [`EVERY_LOGIN`] with the same password.
pub async fn admit_logins(admin: &Connection, password: &str) -> Result<()> {
    store::logins::ensure(admin, &logins(password)?).await?;
    // Roles are shared by all databases of a server: another test may make the same at the same moment.
    let everyone = format!(
        "do $do$
         begin
           begin
             create role {EVERY_LOGIN} login password '{password}';
           exception when duplicate_object or unique_violation then
             null;
           end;
           perform pg_catalog.pg_advisory_xact_lock(1);
           if not pg_catalog.pg_has_role('{EVERY_LOGIN}', 'pgvitals_operator', 'usage') then
             grant pgvitals_writer, pgvitals_alerter, pgvitals_manager, pgvitals_viewer, pgvitals_operator to {EVERY_LOGIN};
           end if;
         exception when unique_violation or internal_error then
           null;
         end
         $do$"
    );
    admin.execute(&everyone, &[]).await?;
    Ok(())
}

/// The variables of the application, of its monitoring database and of the secret `default`, for an address with the login
/// of a test: the logins of the functions have the same password as the collector.
pub fn monitoring_variables(url: &str) -> Result<Vec<(String, String)>> {
    let url: SafeUrl = url.parse().context("the address of the monitoring database")?;
    let password = url.expose_password().unwrap_or("none");
    let mut variables = vec![("monitoring_url".to_owned(), url.without_login())];
    for login in Login::OF_FUNCTIONS {
        let name = login.role().trim_start_matches("pgvitals_");
        variables.push((format!("{name}_password"), password.to_owned()));
    }
    variables.push(("target_passwords".to_owned(), passwords(password, &[])));
    Ok(variables)
}

/// The variable `target_passwords`: the collector's password under the name `default`, and others.
pub fn passwords(default: &str, others: &[(&str, &str)]) -> String {
    let all: serde_json::Map<_, _> = [("default", default)]
        .iter()
        .chain(others)
        .map(|(name, password)| ((*name).to_owned(), (*password).into()))
        .collect();
    serde_json::Value::Object(all).to_string()
}

async fn connect(admin_url: &str) -> Result<Connection> {
    let url: SafeUrl = admin_url.parse().context("the superuser's address")?;
    let client = db::connect(&url)
        .await
        .context("cannot connect as the superuser")?;
    // Tests name their tables as people do. What pgvitals does pins its path for each transaction all the same.
    client.execute("set search_path = public", &[]).await?;
    Ok(client)
}

fn verifier(password: &str) -> Result<Verifier> {
    Ok(Verifier::new(postgres_protocol::password::scram_sha_256(
        password.as_bytes(),
    ))?)
}
