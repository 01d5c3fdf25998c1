//! A database of its own for every test.

use std::thread;

use anyhow::{Context, Result};
use tokio_postgres::{Client, NoTls};

use crate::Server;

/// The longest name PostgreSQL keeps.
const NAME_LIMIT: usize = 63;

/// A fresh database, dropped with this value, unless the test panics: then it stays to be looked at, and is replaced
/// the next time the same test runs.
#[derive(Debug)]
pub struct Database {
    server: Server,
    name: String,
}

impl Database {
    /// A fresh database for the test at `path`, such as `store::cas`. The same path gives the same name.
    pub async fn new(server: &Server, path: &str) -> Result<Self> {
        let name = name_from(path);
        recreate(server, &name)
            .await
            .with_context(|| format!("cannot create the database of the test `{path}`"))?;
        Ok(Self {
            server: server.clone(),
            name,
        })
    }

    /// The server it is on.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address for the superuser.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// Its address for any login.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        self.server.url_as(user, password, &self.name)
    }

    /// A connection as the superuser.
    pub async fn connect(&self) -> Result<Client> {
        connect(&self.url()).await
    }

    /// Runs statements as the superuser, in a connection of their own.
    pub async fn batch(&self, statements: &str) -> Result<()> {
        Ok(self.connect().await?.batch_execute(statements).await?)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if thread::panicking() {
            let advice = self.server.keep();
            eprintln!(
                "kept the database of the failed test: psql '{}'\n{advice}",
                self.url()
            );
            return;
        }
        let (server, name) = (self.server.clone(), self.name.clone());
        // The test's own runtime may be at its end, so this one is waited for on a thread beside it.
        let dropping = thread::spawn(move || -> Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let client = connect(&server.url("postgres")).await?;
                let statement = format!("drop database if exists {name} with (force)");
                Ok(client.batch_execute(&statement).await?)
            })
        });
        // The server goes after the tests and takes the database along, so a failure here costs only space.
        let _ = dropping.join();
    }
}

/// A connection, driven by the runtime of the test.
pub async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .context("cannot connect to the test server")?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            eprintln!("a connection of the test ended: {error}");
        }
    });
    Ok(client)
}

async fn recreate(server: &Server, name: &str) -> Result<()> {
    let client = connect(&server.url("postgres")).await?;
    client
        .batch_execute(&format!("drop database if exists {name} with (force)"))
        .await?;
    client
        .batch_execute(&format!("create database {name} template template0"))
        .await?;
    Ok(())
}

/// `test_store__cas_` and a fingerprint, which keeps long paths with the same beginning apart.
fn name_from(path: &str) -> String {
    let readable: String = path
        .chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() {
                character.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    let fingerprint = format!("_{:08x}", fingerprint(path));
    let mut name = format!("test_{readable}");
    name.truncate(NAME_LIMIT - fingerprint.len());
    name + &fingerprint
}

/// FNV-1a: short, and the same in every build.
pub(crate) fn fingerprint(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_readable_stable_and_short_enough() {
        assert_eq!(name_from("store::cas"), "test_store__cas_723f89ef");
        assert_eq!(name_from("store::cas"), name_from("store::cas"));
        assert_ne!(name_from("store::cas"), name_from("store_cas"));
        assert_eq!(name_from(&"long::".repeat(40)).len(), NAME_LIMIT);
    }
}
