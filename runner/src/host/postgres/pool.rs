//! Connections kept open between runs: for each component one pool for each address.
//!
//! The way a connection is made ready for its next user is Spin's, so that a component that is right here is right there:
//! 16 addresses remembered, and on checkout what deadpool calls `Clean` (settings, advisory locks, listens and temporary
//! tables go; a transaction that the guest left open stays). How many connections there are, and for how long they wait
//! for their next user, is not the pool's to say: see `limits.rs`.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use deadpool::managed::{Manager as _, Metrics};
use deadpool_postgres::{ClientWrapper, Manager, ManagerConfig, RecyclingMethod};
use rustls::ClientConfig;
use tokio_postgres::NoTls;
use tokio_postgres::config::SslMode;
use tokio_util::task::TaskTracker;

use super::address;
use super::limits::{Connector, Pool, Servers};
use super::session::Session;
use super::tls::Tls;
use crate::host::roots;

/// Most addresses whose connections are kept; the one unused for longest goes first.
const POOLS: usize = 16;

/// The pools of one component.
pub(crate) struct Pools {
    component: Arc<str>,
    servers: Arc<Servers<ClientWrapper>>,
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
    pool: Pool<Manager>,
    tls: Option<Tls>,
}

impl Pools {
    /// `servers` counts the connections of all components; `alive` is told of statements that are being cancelled, so that
    /// a runner that stops waits for them.
    pub(crate) fn new(component: &str, servers: Arc<Servers<ClientWrapper>>, alive: TaskTracker) -> Self {
        Self {
            component: component.into(),
            servers,
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
            None => self.make(address, root)?,
        };
        if pools.len() >= POOLS {
            pools.remove(0);
        }
        pools.push((key, entry.clone()));
        Ok(entry)
    }

    fn make(&self, address: &str, root: Option<&Root>) -> anyhow::Result<Entry> {
        let config: tokio_postgres::Config = address.parse().context("parsing Postgres connection string")?;
        let server = address::server(&config);
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
        let pool = Pool::new(&self.servers, &self.component, &server, manager);
        Ok(Entry { pool, tls })
    }
}

impl Connector for Manager {
    type Connection = ClientWrapper;

    async fn connect(&self) -> anyhow::Result<ClientWrapper> {
        Ok(self.create().await?)
    }

    async fn clean(&self, connection: &mut ClientWrapper) -> bool {
        self.recycle(connection, &Metrics::default()).await.is_ok()
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

    fn pools() -> Pools {
        Pools::new("one", Arc::new(Servers::new(20)), TaskTracker::new())
    }

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
        let pools = pools();
        pools.entry(ADDRESS, None).unwrap();
        pools.entry(ADDRESS, None).unwrap();
        assert_eq!(addresses(&pools), [ADDRESS]);
    }

    #[test]
    fn another_password_is_another_pool() {
        let pools = pools();
        let other = ADDRESS.replace("password", "secret");
        pools.entry(ADDRESS, None).unwrap();
        pools.entry(&other, None).unwrap();
        assert_eq!(addresses(&pools), [ADDRESS.to_owned(), other]);
    }

    #[test]
    fn the_pool_unused_for_longest_goes_first() {
        let pools = pools();
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
        let error = pools().entry("postgres://host:port/", None).err().unwrap();
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
