//! A database of somebody who means harm: an ordinary role owns it, has laid traps in every place it can write to, and
//! has given it hostile defaults.

use anyhow::{Context, Result};
use tokio_postgres::Client;

use crate::DedicatedServer;
use crate::database::connect;

/// The database that `mallory` owns.
pub const DATABASE: &str = "shop";
/// An ordinary role.
pub const OWNER: &str = "mallory";

/// Traps in a schema: see the file.
const TRAPS: &str = include_str!("traps.sql");

/// A server with a database of somebody else's.
#[derive(Debug)]
pub struct HostileDatabase {
    server: DedicatedServer,
}

impl HostileDatabase {
    /// A server with such a database, in which nothing has been done yet.
    pub async fn on(version: u32) -> Result<Self> {
        let server = DedicatedServer::start(version).await?;
        let admin = connect(&server.url("postgres")).await?;
        for statement in [
            "create role mallory login password 'mallory'",
            "create database shop owner mallory template template0",
        ] {
            admin.batch_execute(statement).await?;
        }
        Ok(Self { server })
    }

    /// The server.
    pub fn server(&self) -> &DedicatedServer {
        &self.server
    }

    /// The database's address for the superuser.
    pub fn url(&self) -> String {
        self.server.url(DATABASE)
    }

    /// The database's address for any login.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        self.server.url_as(user, password, DATABASE)
    }

    /// A session of the owner.
    pub async fn owner(&self) -> Result<Client> {
        connect(&self.url_as(OWNER, OWNER)).await
    }

    /// Lays traps in `public`, which comes after the catalog in most search paths, and in a schema that comes before it
    /// in those of all new sessions of this database; they act as the owner where they may. Says that they work.
    pub async fn lay_traps(&self) -> Result<()> {
        let owner = self.owner().await?;
        owner
            .batch_execute("create schema evil; grant usage on schema evil to public")
            .await?;
        for schema in ["evil", "public"] {
            owner
                .batch_execute(&TRAPS.replace("SCHEMA", schema))
                .await
                .with_context(|| format!("cannot lay traps in {schema}"))?;
        }
        owner
            .batch_execute("alter database shop set search_path = evil, pg_catalog, public")
            .await?;
        let mark = self.mark();
        let unpinned = connect(&self.url()).await?;
        unpinned
            .batch_execute("select 'a'::name = 'b'::text, 1 ^ 2, count(*) from pg_settings")
            .await?;
        let public = "set search_path = public; select 2::float8 ^ 2::int4";
        unpinned.batch_execute(public).await?;
        let sprung = self.sprung_since(mark);
        for trap in ["trap = sprung", "trap pg_settings sprung", "trap ^ sprung"] {
            anyhow::ensure!(
                sprung.iter().any(|line| line.contains(trap)),
                "{trap}: {sprung:#?}"
            );
        }
        owner
            .batch_execute("alter database shop set role = mallory")
            .await?;
        Ok(())
    }

    /// The length of the server's log, to be given to [`sprung_since`](Self::sprung_since) later.
    pub fn mark(&self) -> usize {
        self.server.log().len()
    }

    /// The traps that were sprung by anybody but the owner since then.
    pub fn sprung_since(&self, mark: usize) -> Vec<String> {
        let log = self.server.log();
        let since = log.get(mark..).unwrap_or_default();
        since
            .lines()
            .filter(|line| line.contains("LOG:  trap ") && !line.ends_with("sprung by mallory"))
            .map(str::to_owned)
            .collect()
    }
}
