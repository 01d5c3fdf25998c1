//! The rows of a query on their way to the guest.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::Stream as _;
use tokio::sync::oneshot;
use tokio_postgres::{Row, RowStream};
use wasmtime::StoreContextMut;
use wasmtime::component::{Destination, StreamProducer, StreamResult, VecBuffer};

use super::bindings::{DbValue, Error};
use super::conv;
use super::error;
use super::session::{MOST_BUFFERED_BYTES, Session, row_size};

/// Most rows handed over at once, and most bytes. Guests ask for one row at a time; those handed over beyond that wait
/// on the host, so that few rows reach their end, and free the connection, whether the guest reads to the end or not.
const ROWS_AT_ONCE: usize = 256;
const BYTES_AT_ONCE: usize = 1 << 20;

/// Rows that do not fit [`ROWS_AT_ONCE`] stay with the server until the guest has read those before: the connection is
/// read no faster than the stream.
pub(crate) struct Rows {
    state: State,
    outcome: Option<oneshot::Sender<Result<(), Error>>>,
}

enum State {
    Ended,
    /// Before the first row.
    Failed(Error),
    Reading {
        session: Arc<Session>,
        first: Option<Row>,
        stream: Pin<Box<RowStream>>,
    },
}

/// How the rows ended, for the future that goes with the stream.
pub(crate) type Outcome = oneshot::Receiver<Result<(), Error>>;

impl Rows {
    pub(crate) fn none() -> Self {
        Self {
            state: State::Ended,
            outcome: None,
        }
    }

    pub(crate) fn failed(failure: Error) -> Self {
        Self {
            state: State::Failed(failure),
            outcome: None,
        }
    }

    pub(crate) fn new(session: Arc<Session>, first: Row, stream: Pin<Box<RowStream>>) -> Self {
        Self {
            state: State::Reading {
                session,
                first: Some(first),
                stream,
            },
            outcome: None,
        }
    }

    /// Where the end of the rows will be told.
    pub(crate) fn outcome(&mut self) -> Outcome {
        let (sender, receiver) = oneshot::channel();
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Ended => drop(sender.send(Ok(()))),
            State::Failed(failure) => drop(sender.send(Err(failure))),
            reading @ State::Reading { .. } => {
                self.state = reading;
                self.outcome = Some(sender);
            }
        }
        receiver
    }

    /// The next row, or none when there are no more.
    fn poll_row(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Vec<DbValue>, Error>>> {
        let State::Reading { first, stream, .. } = &mut self.state else {
            return Poll::Ready(None);
        };
        let row = match first.take() {
            Some(row) => row,
            None => match ready!(stream.as_mut().poll_next(context)) {
                Some(Ok(row)) => row,
                Some(Err(failure)) => return Poll::Ready(Some(Err(error::row_failed(failure)))),
                None => return Poll::Ready(None),
            },
        };
        Poll::Ready(Some(match conv::row(&row) {
            Ok(row) if row_size(&row) > MOST_BUFFERED_BYTES => Err(error::too_large()),
            Ok(row) => Ok(row),
            Err(failure) => Err(error::unreadable(&failure)),
        }))
    }

    fn end(&mut self, outcome: Result<(), Error>) {
        // After an error of a row the others may still be on their way, so that only a clean end frees the connection.
        if outcome.is_ok() {
            self.state = State::Ended;
        }
        if let Some(sender) = self.outcome.take() {
            // A guest that does not ask how it ended has let go of the receiver.
            let _ = sender.send(outcome);
        }
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        if let State::Reading { session, .. } = &self.state {
            session.abandon();
        }
    }
}

impl<D> StreamProducer<D> for Rows {
    type Item = Vec<DbValue>;
    type Buffer = VecBuffer<Vec<DbValue>>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, Self::Item, Self::Buffer>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        if destination.remaining(&mut store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let mut rows = Vec::new();
        let mut bytes = 0;
        let result = loop {
            match self.poll_row(context) {
                Poll::Ready(Some(Ok(row))) => {
                    bytes += row_size(&row);
                    rows.push(row);
                    if rows.len() >= ROWS_AT_ONCE || bytes >= BYTES_AT_ONCE {
                        break StreamResult::Completed;
                    }
                }
                Poll::Ready(Some(Err(failure))) => {
                    self.end(Err(failure));
                    break StreamResult::Dropped;
                }
                Poll::Ready(None) => {
                    self.end(Ok(()));
                    break StreamResult::Dropped;
                }
                Poll::Pending if !rows.is_empty() => break StreamResult::Completed,
                Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
                Poll::Pending => return Poll::Pending,
            }
        };
        destination.set_buffer(rows.into());
        Poll::Ready(Ok(result))
    }
}
