//! Connections kept open between runs: for each component one pool for each address.
//!
//! The numbers and the way a connection is made ready for its next user are Spin's, so that a component that is right
//! here is right there: a pool of 64 for each address, 16 addresses remembered, and on checkout what deadpool calls
//! `Clean` (settings, advisory locks, listens and temporary tables go; a transaction that the guest left open stays).

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use rustls::ClientConfig;
use tokio_postgres::NoTls;
use tokio_postgres::config::SslMode;
use tokio_util::task::TaskTracker;

use super::session::Session;
use super::tls::Tls;
use crate::host::roots;

/// Most connections to one address.
const CONNECTIONS_OF_A_POOL: usize = 64;

/// Most addresses whose connections are kept; the one unused for longest goes first.
const POOLS: usize = 16;

/// The pools of one component.
pub(crate) struct Pools {
    /// The most recently used last.
    pools: Mutex<Vec<(Key, Entry)>>,
    alive: TaskTracker,
}

/// What makes two connections interchangeable: the address with everything in it, and whom the guest trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    address: String,
    root: Option<String>,
}

#[derive(Clone)]
struct Entry {
    pool: Pool,
    tls: Option<Tls>,
}

impl Pools {
    /// `alive` is told of statements that are being cancelled, so that a runner that stops waits for them.
    pub(crate) fn new(alive: TaskTracker) -> Self {
        Self {
            pools: Mutex::default(),
            alive,
        }
    }

    /// A connection to `address`, from the pool or new.
    pub(crate) async fn session(&self, address: &str, root: Option<&Root>) -> anyhow::Result<Session> {
        let entry = self
            .entry(address, root)
            .context("establishing PostgreSQL connection pool")?;
        let client = entry.pool.get().await?;
        Ok(Session::new(client, entry.tls, self.alive.clone()))
    }

    fn entry(&self, address: &str, root: Option<&Root>) -> anyhow::Result<Entry> {
        let key = Key {
            address: address.to_owned(),
            root: root.map(|root| root.pem.clone()),
        };
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = match pools.iter().position(|(other, _)| *other == key) {
            Some(index) => pools.remove(index).1,
            None => Entry::new(address, root)?,
        };
        if pools.len() >= POOLS {
            pools.remove(0);
        }
        pools.push((key, entry.clone()));
        Ok(entry)
    }
}

impl Entry {
    fn new(address: &str, root: Option<&Root>) -> anyhow::Result<Self> {
        let config: tokio_postgres::Config = address.parse().context("parsing Postgres connection string")?;
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Clean,
        };
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => None,
            _ => {
                Some(Tls::new(root.map_or_else(roots::default_client, |root| {
                    Arc::clone(&root.client)
                })))
            }
        };
        let manager = match tls.clone() {
            Some(tls) => Manager::from_config(config, tls, recycling),
            None => Manager::from_config(config, NoTls, recycling),
        };
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS_OF_A_POOL)
            .build()
            .context("building Postgres connection pool")?;
        Ok(Self { pool, tls })
    }
}

/// A root certificate that a guest trusts.
#[derive(Clone)]
pub(crate) struct Root {
    pem: String,
    client: Arc<ClientConfig>,
}

impl Root {
    pub(crate) fn from_pem(pem: String) -> anyhow::Result<Self> {
        let client = roots::client_with_root(&pem)?;
        Ok(Self { pem, client })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "postgres://user:password@127.0.0.1:5432/one?sslmode=disable";

    fn addresses(pools: &Pools) -> Vec<String> {
        pools
            .pools
            .lock()
            .unwrap()
            .iter()
            .map(|(key, _)| key.address.clone())
            .collect()
    }

    #[test]
    fn the_same_address_has_one_pool() {
        let pools = Pools::new(TaskTracker::new());
        pools.entry(ADDRESS, None).unwrap();
        pools.entry(ADDRESS, None).unwrap();
        assert_eq!(addresses(&pools), [ADDRESS]);
    }

    #[test]
    fn another_password_is_another_pool() {
        let pools = Pools::new(TaskTracker::new());
        let other = ADDRESS.replace("password", "secret");
        pools.entry(ADDRESS, None).unwrap();
        pools.entry(&other, None).unwrap();
        assert_eq!(addresses(&pools), [ADDRESS.to_owned(), other]);
    }

    #[test]
    fn the_pool_unused_for_longest_goes_first() {
        let pools = Pools::new(TaskTracker::new());
        let address = |number: usize| ADDRESS.replace("one", &format!("database_{number}"));
        for number in 0..POOLS {
            pools.entry(&address(number), None).unwrap();
        }
        pools.entry(&address(0), None).unwrap();
        pools.entry(&address(POOLS), None).unwrap();
        let kept = addresses(&pools);
        assert_eq!(kept.len(), POOLS);
        assert!(kept.contains(&address(0)), "{kept:?}");
        assert!(!kept.contains(&address(1)), "{kept:?}");
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        let error = Pools::new(TaskTracker::new())
            .entry("postgres://host:port/", None)
            .err()
            .unwrap();
        assert_eq!(error.to_string(), "parsing Postgres connection string");
    }

    #[test]
    fn a_root_must_be_a_certificate() {
        let error = Root::from_pem("no certificate".to_owned()).err().unwrap();
        assert!(
            error.to_string().starts_with("invalid root certificate"),
            "{error}"
        );
    }
}
