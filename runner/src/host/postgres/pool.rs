//! Connections kept open between runs: for each component one pool for each address.
//!
//! The way a connection is made ready for its next user is Spin's, so that a component that is right here is right there:
//! 16 addresses remembered, and on checkout what deadpool calls `Clean` (settings, advisory locks, listens and temporary
//! tables go; a transaction that the guest left open stays). How many connections there are, and for how long they wait
//! for their next user, is not the pool's to say: see `limits.rs`.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use anyhow::Context as _;
use deadpool::managed::{Manager as _, Metrics};
use deadpool_postgres::{ClientWrapper, Connect, Manager, ManagerConfig, RecyclingMethod};
use dial::{Authority, DialError, Dialer, Tls, Trust, WeakAuthentication};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};
use tokio_util::task::TaskTracker;

use super::address;
use super::limits::{Connector, Pool, Servers};
use super::session::Session;

/// Most addresses whose connections are kept; the one unused for longest goes first.
const POOLS: usize = 16;

/// The pools of one component.
pub(crate) struct Pools {
    component: Arc<str>,
    servers: Arc<Servers<ClientWrapper>>,
    /// The most recently used last.
    pools: Mutex<Vec<(Key, Entry)>>,
    weak: WeakAuthentication,
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
    tls: Tls,
}

impl Pools {
    /// `servers` counts the connections of all components; `weak` names the servers that may be given weak proofs of a
    /// password; `alive` is told of statements that are being cancelled, so that a runner that stops waits for them.
    pub(crate) fn new(
        component: &str,
        servers: Arc<Servers<ClientWrapper>>,
        weak: WeakAuthentication,
        alive: TaskTracker,
    ) -> Self {
        Self {
            component: component.into(),
            servers,
            pools: Mutex::default(),
            weak,
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
            None => self.make(address, self.dialer(root))?,
        };
        if pools.len() >= POOLS {
            pools.remove(0);
        }
        pools.push((key, entry.clone()));
        Ok(entry)
    }

    fn dialer(&self, root: Option<&Root>) -> Dialer {
        let trust = root.map_or_else(Trust::of_machine, |root| root.trust.clone());
        Dialer::new(trust).with_weak_authentication(self.weak.clone())
    }

    fn make(&self, address: &str, dialer: Dialer) -> anyhow::Result<Entry> {
        let config: Config = address.parse().context("parsing Postgres connection string")?;
        let server = address::server(&config);
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Clean,
        };
        let tls = dialer.tls(&config);
        let manager = Manager::from_connect(config, Dialling(dialer), recycling);
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

/// Makes the connections of a pool.
struct Dialling(Dialer);

impl Connect for Dialling {
    fn connect(
        &self,
        config: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), tokio_postgres::Error>> + Send + '_>>
    {
        let config = config.clone();
        Box::pin(async move {
            match self.0.connect(&config).await {
                Ok((client, connection)) => {
                    let driving = tokio::spawn(async move {
                        if let Err(error) = connection.await {
                            tracing::debug!(%error, "A connection to PostgreSQL ended early.");
                        }
                    });
                    Ok((client, driving))
                }
                Err(DialError::Postgres(error)) => Err(error),
                Err(other) => Err(as_driver_error(other).await),
            }
        })
    }
}

/// An error in the driver's type, which only the driver can make: it is the one of a stream that gives it.
async fn as_driver_error(error: DialError) -> tokio_postgres::Error {
    let stream = Broken(Some(io::Error::other(error)));
    let mut config = Config::new();
    config.user("nobody").ssl_mode(SslMode::Disable);
    match config.connect_raw(stream, NoTls).await {
        Err(error) => error,
        Ok(_) => unreachable!("a stream that gives nothing but an error is no connection"),
    }
}

/// A stream of which nothing can be read but an error.
struct Broken(Option<io::Error>);

impl AsyncRead for Broken {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.take().map_or(Ok(()), Err))
    }
}

impl AsyncWrite for Broken {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A root certificate that a guest trusts.
#[derive(Clone)]
pub(crate) struct Root {
    pem: String,
    trust: Trust,
}

impl Root {
    pub(crate) fn from_pem(pem: String) -> anyhow::Result<Self> {
        let trust = Trust::with_authority(Authority::from_pem(&pem)?);
        Ok(Self { pem, trust })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "postgres://user:password@127.0.0.1:5432/one?sslmode=disable";

    fn pools() -> Pools {
        Pools::new(
            "one",
            Arc::new(Servers::new(20)),
            WeakAuthentication::default(),
            TaskTracker::new(),
        )
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

    #[tokio::test]
    async fn an_address_that_is_not_permitted_says_so() {
        let dialer = Dialer::new(Trust::of_machine()).with_check(Arc::new(|_, _| Err("private".to_owned())));
        let error = pools()
            .make(ADDRESS, dialer)
            .unwrap()
            .pool
            .get()
            .await
            .err()
            .unwrap();
        let error = format!("{error:#}");
        assert!(error.contains("127.0.0.1 is not permitted: private"), "{error}");
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
