//! How many connections there are to each server, those of all components of this process counted together.
//!
//! What counts is what the server sees: connections that exist, whether somebody uses them or they wait for their next
//! user. One that waits gives its place up as soon as somebody else needs it, and ends by itself after [`IDLE`]. Whoever
//! finds all in use waits for [`PATIENCE`] at most. Of those who wait the component that holds the fewest comes first,
//! and the last few places are for components that hold hardly any: a hundred requests to one of them cannot keep the
//! others from their work.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

/// How long a connection waits for its next user: long enough for a run to take one again and again, short enough that
/// nobody who drops a database or stops a server finds it in the way.
const IDLE: Duration = Duration::from_secs(3);

/// How long somebody waits for a place. Shorter than functions wait for a connection, so that this is what they are told.
const PATIENCE: Duration = Duration::from_secs(2);

/// A component that holds fewer than this may have one of the places that are kept free for such.
const HARDLY_ANY: usize = 2;

/// Makes connections of one kind, and makes one that was used ready for its next user.
pub(crate) trait Connector: Send + Sync + 'static {
    /// What it makes.
    type Connection: Send + 'static;

    /// A new connection.
    fn connect(&self) -> impl Future<Output = anyhow::Result<Self::Connection>> + Send;

    /// Whether a connection can be used again.
    fn clean(&self, connection: &mut Self::Connection) -> impl Future<Output = bool> + Send;
}

/// There was no place for another connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "too many connections: all {most} that this runner may have to {server} are in use \
     (more with --connections-per-server)"
)]
pub(crate) struct Full {
    server: Arc<str>,
    most: usize,
}

/// How long connections wait for users, and users for connections.
#[derive(Clone, Copy)]
struct Times {
    idle: Duration,
    patience: Duration,
}

/// All servers that there are connections to.
pub(crate) struct Servers<C> {
    most: usize,
    times: Times,
    servers: Mutex<HashMap<Arc<str>, Weak<Server<C>>>>,
}

impl<C: Send + 'static> Servers<C> {
    /// Servers that are given `most` connections each.
    pub(crate) fn new(most: usize) -> Self {
        Self::with_times(
            most,
            Times {
                idle: IDLE,
                patience: PATIENCE,
            },
        )
    }

    fn with_times(most: usize, times: Times) -> Self {
        Self {
            most: most.max(1),
            times,
            servers: Mutex::default(),
        }
    }

    /// The server of this name, which all that lead to it share.
    fn server(&self, name: &str) -> Arc<Server<C>> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = servers.get(name).and_then(Weak::upgrade) {
            return server;
        }
        servers.retain(|_, server| server.strong_count() > 0);
        let name: Arc<str> = name.into();
        let server = Arc::new(Server {
            name: Arc::clone(&name),
            most: self.most,
            times: self.times,
            state: Mutex::new(State::default()),
        });
        servers.insert(name, Arc::downgrade(&server));
        server
    }
}

impl<C> fmt::Debug for Servers<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Servers")
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

/// One server, and everybody's connections to it.
struct Server<C> {
    name: Arc<str>,
    most: usize,
    times: Times,
    state: Mutex<State<C>>,
}

struct State<C> {
    /// How many places each component has: a connection in its hands, or one that is being made for it.
    held: HashMap<Arc<str>, usize>,
    /// Those that wait for their next user, the one that waits longest first.
    idle: Vec<Idle<C>>,
    waiting: Vec<Waiting>,
    /// Whether somebody sees to it that idle connections end.
    watched: bool,
}

impl<C> Default for State<C> {
    fn default() -> Self {
        Self {
            held: HashMap::new(),
            idle: Vec::new(),
            waiting: Vec::new(),
            watched: false,
        }
    }
}

struct Idle<C> {
    pool: u64,
    connection: C,
    since: Instant,
}

/// Somebody who waits for a place, in the order in which they came.
struct Waiting {
    component: Arc<str>,
    granted: oneshot::Sender<()>,
}

impl<C> State<C> {
    fn holds(&self, component: &str) -> usize {
        self.held.get(component).copied().unwrap_or_default()
    }

    fn in_use(&self) -> usize {
        self.held.values().sum()
    }

    /// Whether a component may have a place now.
    fn admits(&self, component: &str, most: usize) -> bool {
        let kept = if self.holds(component) < HARDLY_ANY {
            0
        } else {
            most / 4
        };
        self.in_use() + kept < most
    }

    fn hold(&mut self, component: &Arc<str>) {
        *self.held.entry(Arc::clone(component)).or_default() += 1;
    }

    fn let_go(&mut self, component: &str) {
        if let Some(held) = self.held.get_mut(component) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(component);
            }
        }
    }

    /// Gives what is free to those who wait.
    fn grant(&mut self, most: usize) {
        loop {
            let next = (0..self.waiting.len())
                .filter(|index| self.admits(&self.waiting[*index].component, most))
                .min_by_key(|index| (self.holds(&self.waiting[*index].component), *index));
            let Some(next) = next else { return };
            let Waiting { component, granted } = self.waiting.remove(next);
            self.hold(&component);
            // Whoever has given up waiting has no use for it.
            if granted.send(()).is_err() {
                self.let_go(&component);
            }
        }
    }
}

impl<C: Send + 'static> Server<C> {
    fn state(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a component, as soon as there is one.
    async fn place(self: &Arc<Self>, component: &Arc<str>) -> Result<Place<C>, Full> {
        let granted = {
            let mut state = self.state();
            // Who comes later does not go before those who wait, unless they may not have what is free.
            if state.admits(component, self.most) {
                state.hold(component);
                return Ok(Place::new(self, component));
            }
            let (granted, place) = oneshot::channel();
            state.waiting.push(Waiting {
                component: Arc::clone(component),
                granted,
            });
            place
        };
        let mut granted = Granted {
            server: self,
            component,
            place: Some(granted),
        };
        let waited = match granted.place.as_mut() {
            Some(place) => tokio::time::timeout(self.times.patience, place).await,
            None => Ok(Ok(())),
        };
        if waited.is_ok_and(|granted| granted.is_ok()) {
            granted.place = None;
            return Ok(Place::new(self, component));
        }
        Err(Full {
            server: Arc::clone(&self.name),
            most: self.most,
        })
    }

    /// A connection of a pool that waits for its next user, the one that was used last.
    fn take_idle(&self, pool: u64) -> Option<C> {
        let mut state = self.state();
        let index = state.idle.iter().rposition(|idle| idle.pool == pool)?;
        Some(state.idle.remove(index).connection)
    }

    /// Ends connections that nobody uses until there is room for another one.
    fn make_room(&self) {
        let ended: Vec<Idle<C>> = {
            let mut state = self.state();
            // Whoever asks has a place already.
            let too_many = (state.in_use() + state.idle.len()).saturating_sub(self.most);
            let too_many = too_many.min(state.idle.len());
            state.idle.drain(..too_many).collect()
        };
        drop(ended);
    }

    fn keep(self: &Arc<Self>, pool: u64, connection: C) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            // With nobody there to end it later, it ends now.
            return;
        };
        let mut state = self.state();
        state.idle.push(Idle {
            pool,
            connection,
            since: Instant::now(),
        });
        if !state.watched {
            state.watched = true;
            runtime.spawn(end_idle(Arc::downgrade(self)));
        }
    }

    fn forget(&self, pool: u64) {
        let gone: Vec<Idle<C>> = {
            let mut state = self.state();
            let (gone, kept) = state.idle.drain(..).partition(|idle| idle.pool == pool);
            state.idle = kept;
            gone
        };
        drop(gone);
    }
}

/// Ends connections that have waited for long enough, until none waits.
async fn end_idle<C: Send + 'static>(server: Weak<Server<C>>) {
    loop {
        let next = {
            let Some(server) = server.upgrade() else { return };
            let mut state = server.state();
            let now = Instant::now();
            let due = state
                .idle
                .iter()
                .take_while(|idle| now - idle.since >= server.times.idle)
                .count();
            let ended: Vec<Idle<C>> = state.idle.drain(..due).collect();
            let next = state.idle.first().map(|idle| idle.since + server.times.idle);
            state.watched = next.is_some();
            drop(state);
            drop(ended);
            next
        };
        let Some(next) = next else { return };
        tokio::time::sleep_until(next).await;
    }
}

/// Waiting, which may be given up at any moment: a place that was granted in the same moment goes to somebody else.
struct Granted<'a, C: Send + 'static> {
    server: &'a Arc<Server<C>>,
    component: &'a Arc<str>,
    place: Option<oneshot::Receiver<()>>,
}

impl<C: Send + 'static> Drop for Granted<'_, C> {
    fn drop(&mut self) {
        let Some(mut place) = self.place.take() else {
            return;
        };
        let mut state = self.server.state();
        place.close();
        if place.try_recv().is_ok() {
            state.let_go(self.component);
        }
        state.waiting.retain(|waiting| !waiting.granted.is_closed());
        state.grant(self.server.most);
    }
}

/// The right to one connection to a server.
struct Place<C: Send + 'static> {
    server: Arc<Server<C>>,
    component: Arc<str>,
}

impl<C: Send + 'static> Place<C> {
    fn new(server: &Arc<Server<C>>, component: &Arc<str>) -> Self {
        Self {
            server: Arc::clone(server),
            component: Arc::clone(component),
        }
    }
}

impl<C: Send + 'static> Drop for Place<C> {
    fn drop(&mut self) {
        let mut state = self.server.state();
        state.let_go(&self.component);
        state.grant(self.server.most);
    }
}

/// The connections of one component by one address.
pub(crate) struct Pool<M: Connector> {
    shared: Arc<Shared<M>>,
}

struct Shared<M: Connector> {
    number: u64,
    component: Arc<str>,
    server: Arc<Server<M::Connection>>,
    connector: M,
}

impl<M: Connector> Clone for Pool<M> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<M: Connector> Pool<M> {
    /// A pool for `component` of connections to the server of that name.
    pub(crate) fn new(
        servers: &Servers<M::Connection>,
        component: &Arc<str>,
        server: &str,
        connector: M,
    ) -> Self {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        Self {
            shared: Arc::new(Shared {
                number: NUMBERS.fetch_add(1, Ordering::Relaxed),
                component: Arc::clone(component),
                server: servers.server(server),
                connector,
            }),
        }
    }

    /// A connection, used before or new.
    ///
    /// # Errors
    ///
    /// [`Full`], or what kept a new one from being made.
    pub(crate) async fn get(&self) -> anyhow::Result<Held<M>> {
        let shared = &self.shared;
        let place = shared.server.place(&shared.component).await?;
        while let Some(mut connection) = shared.server.take_idle(shared.number) {
            if shared.connector.clean(&mut connection).await {
                return Ok(Held::new(self, connection, place));
            }
        }
        shared.server.make_room();
        let connection = shared.connector.connect().await?;
        Ok(Held::new(self, connection, place))
    }
}

impl<M: Connector> Drop for Shared<M> {
    fn drop(&mut self) {
        self.server.forget(self.number);
    }
}

/// A connection in somebody's hands, which goes back to its pool.
pub(crate) struct Held<M: Connector> {
    // In the order in which they go: the connection ends before its place is another's.
    connection: Option<M::Connection>,
    pool: Weak<Shared<M>>,
    _place: Place<M::Connection>,
}

impl<M: Connector> Held<M> {
    fn new(pool: &Pool<M>, connection: M::Connection, place: Place<M::Connection>) -> Self {
        Self {
            connection: Some(connection),
            pool: Arc::downgrade(&pool.shared),
            _place: place,
        }
    }

    /// Takes the connection for good, so that it does not go back.
    pub(crate) fn take(mut self) -> Option<M::Connection> {
        self.connection.take()
    }

    /// The connection, until it is taken.
    pub(crate) fn connection(&self) -> Option<&M::Connection> {
        self.connection.as_ref()
    }
}

impl<M: Connector> Drop for Held<M> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        // A pool that is gone keeps nothing.
        if let Some(pool) = self.pool.upgrade() {
            pool.server.keep(pool.number, connection);
        }
    }
}

#[cfg(test)]
mod tests;
