//! One connection in the hands of a guest.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Manager};
use dial::Tls;
use futures::StreamExt as _;
use tokio_postgres::{Client, RowStream};
use tokio_util::task::TaskTracker;

use super::bindings::{Column, DbValue, Error, RowSet};
use super::conv::{self, Parameter};
use super::error;
use super::limits::Held;
use super::pool::Root;
use super::rows::Rows;

/// Most memory that the rows of one answer may take on the host, as on Spin.
pub(crate) const MOST_BUFFERED_BYTES: usize = 128 << 20;

/// How long the runner tries to tell a server that nobody waits for a statement any more.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

// The bindings re-export the two resources, which asks for `pub` although nobody outside the crate can see them.

/// The resource `connection` of a guest.
#[expect(unreachable_pub, reason = "re-exported by the bindings")]
pub struct Connection(pub(crate) Arc<Session>);

/// The resource `connection-builder` of a guest.
#[expect(unreachable_pub, reason = "re-exported by the bindings")]
pub struct ConnectionBuilder {
    pub(crate) address: String,
    pub(crate) root: Option<Root>,
}

/// A connection taken from its pool, and given back when the guest lets go of it.
///
/// Two kinds of connections are closed instead. One that the guest never let go of, because it trapped or ran out of
/// time: it may be in the middle of a transaction. And one whose statement was abandoned half-way: its next user would
/// have to wait for that statement, which the server is therefore asked to cancel. While the guest still holds the
/// connection nothing is cancelled, since the request could hit the statement that the guest sends next.
pub(crate) struct Session {
    client: Option<Held<Manager>>,
    tls: Tls,
    abandoned: AtomicBool,
    released: AtomicBool,
    alive: TaskTracker,
}

impl Session {
    pub(crate) fn new(client: Held<Manager>, tls: Tls, alive: TaskTracker) -> Self {
        Self {
            client: Some(client),
            tls,
            abandoned: AtomicBool::new(false),
            released: AtomicBool::new(false),
            alive,
        }
    }

    fn client(&self) -> Result<&Client, Error> {
        let client = self.client.as_ref().and_then(Held::connection);
        let client = client.ok_or_else(|| Error::Other("connection is closed".to_owned()))?;
        Ok(client)
    }

    /// Runs a statement and tells how many rows it touched.
    pub(crate) async fn execute(&self, statement: &str, parameters: Vec<Parameter>) -> Result<u64, Error> {
        let watch = Watch::begin(self);
        let touched = self.client()?.execute_raw(statement, parameters).await;
        watch.end();
        touched.map_err(error::query_failed)
    }

    /// Runs a query and collects its rows, up to [`MOST_BUFFERED_BYTES`].
    ///
    /// What fails after the statement was accepted is reported as a text, and a result without rows as an error: see
    /// [`error::flattened`] and [`error::without_rows`].
    pub(crate) async fn query(&self, statement: &str, parameters: Vec<Parameter>) -> Result<RowSet, Error> {
        let watch = Watch::begin(self);
        let rows = self.collect(statement, parameters).await;
        // Of a result that is given up half-way the rest is still on its way, so it counts as abandoned.
        if !matches!(rows, Err(Collect::HalfWay(_))) {
            watch.end();
        }
        rows.map_err(|failure| match failure {
            Collect::Failed(error) | Collect::HalfWay(error) => error,
        })
    }

    async fn collect(&self, statement: &str, parameters: Vec<Parameter>) -> Result<RowSet, Collect> {
        let stream = self
            .client()?
            .query_raw(statement, parameters)
            .await
            .map_err(error::query_failed)?;
        let mut stream = Box::pin(stream);
        let mut columns = None;
        let mut rows = Vec::new();
        let mut bytes = size_of::<RowSet>();
        while let Some(row) = stream.next().await {
            let row = row.map_err(|failure| error::flattened(&error::row_failed(failure)))?;
            columns.get_or_insert_with(|| conv::columns(&row));
            let row = conv::row(&row)
                .map_err(|failure| Collect::HalfWay(error::flattened(&error::unreadable(&failure))))?;
            bytes += row_size(&row);
            if bytes > MOST_BUFFERED_BYTES {
                return Err(Collect::HalfWay(error::too_large()));
            }
            rows.push(row);
        }
        let columns = columns.ok_or_else(error::without_rows)?;
        Ok(RowSet { columns, rows })
    }

    /// Runs a query and gives its rows one by one, reading from the server no faster than the guest does.
    ///
    /// A failure before the first row is the outcome of the rows, like one between two of them: the call itself fails
    /// only where the statement was not accepted, as on Spin.
    pub(crate) async fn stream(
        self: &Arc<Self>,
        statement: &str,
        parameters: Vec<Parameter>,
    ) -> Result<(Vec<Column>, Rows), Error> {
        let watch = Watch::begin(self);
        let first = self.first_row(statement, parameters).await;
        watch.end();
        let (first, stream) = first?;
        Ok(match first {
            Some(Ok(first)) => {
                let columns = conv::columns(&first);
                (columns, Rows::new(Arc::clone(self), first, stream))
            }
            Some(Err(failure)) => (Vec::new(), Rows::failed(failure)),
            None => (Vec::new(), Rows::none()),
        })
    }

    async fn first_row(
        &self,
        statement: &str,
        parameters: Vec<Parameter>,
    ) -> Result<(FirstRow, Pin<Box<RowStream>>), Error> {
        let stream = self
            .client()?
            .query_raw(statement, parameters)
            .await
            .map_err(error::query_failed)?;
        let mut stream = Box::pin(stream);
        let first = stream.next().await;
        Ok((first.map(|row| row.map_err(error::row_failed)), stream))
    }

    /// Notes that the guest has let go of the connection, so that others may have it.
    pub(crate) fn release(&self) {
        self.released.store(true, Ordering::Relaxed);
    }

    /// Notes that nobody waits for what the server is doing on this connection.
    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(held) = self.client.take() else { return };
        if self.abandoned.load(Ordering::Relaxed) {
            if let (Some(client), Ok(runtime)) = (held.take(), tokio::runtime::Handle::try_current()) {
                self.alive.spawn_on(cancel(client, self.tls.clone()), &runtime);
            }
        } else if !self.released.load(Ordering::Relaxed) {
            drop(held.take());
        }
    }
}

/// Closes a connection and tells its server that nobody waits for the statement on it.
async fn cancel(client: ClientWrapper, tls: Tls) {
    let token = client.cancel_token();
    drop(client);
    match tokio::time::timeout(CANCEL_TIMEOUT, token.cancel_query(tls)).await {
        Ok(Ok(())) => tracing::debug!("Cancelled a statement that nobody waited for."),
        Ok(Err(error)) => tracing::debug!(%error, "Could not cancel an abandoned statement."),
        Err(_) => tracing::debug!("Could not cancel an abandoned statement: no answer."),
    }
}

/// The first row of a result, unless it has none.
type FirstRow = Option<Result<tokio_postgres::Row, Error>>;

enum Collect {
    Failed(Error),
    /// While rows were still to come.
    HalfWay(Error),
}

impl From<Error> for Collect {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

pub(crate) fn row_size(row: &[DbValue]) -> usize {
    row.iter().map(conv::memory_size).sum()
}

/// Notices when a call is dropped before it has ended.
struct Watch<'a> {
    session: &'a Session,
    ended: bool,
}

impl<'a> Watch<'a> {
    fn begin(session: &'a Session) -> Self {
        Self {
            session,
            ended: false,
        }
    }

    fn end(mut self) {
        self.ended = true;
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.session.abandon();
        }
    }
}
