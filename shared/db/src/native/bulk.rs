//! What only a native program does: whole files of statements, and rows by `copy`.

use std::pin::Pin;

use bytes::Bytes;
use futures::SinkExt;
use tokio_postgres::CopyInSink;

use super::{Connection, Plain, statement_error};
use crate::bare::Sent;
use crate::error::DbError;

/// How many bytes travel as one message: enough that messages cost nothing, little enough to wait in memory.
const MESSAGE_BYTES: usize = 64 * 1024;

/// Rows on their way to a table. They are the table's once [`finish`](CopyIn::finish) has said so; a copy that is
/// dropped before has brought nothing.
pub struct CopyIn {
    sink: Pin<Box<CopyInSink<Bytes>>>,
}

impl std::fmt::Debug for CopyIn {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("CopyIn").finish_non_exhaustive()
    }
}

impl Connection {
    /// Runs all statements of a text, as one transaction where the text begins none itself. Gives no rows and takes
    /// no parameters.
    ///
    /// # Errors
    ///
    /// What the server said to the first statement that failed.
    pub async fn run_all(&self, statements: &str) -> Result<(), DbError> {
        let turn = self.pinning.before(&self.plain, statements).await?;
        let sent = self.plain.run_all(statements).await;
        match self.pinning.after(&self.plain, statements, turn, sent).await {
            Sent::Done(outcome) => outcome,
            Sent::Again => self.plain.run_all(statements).await,
        }
    }

    /// Begins a `copy TABLE (COLUMNS) from stdin`.
    ///
    /// # Errors
    ///
    /// What the server said: no such table or column, or no right to fill it.
    pub async fn copy_in(&self, statement: &str) -> Result<CopyIn, DbError> {
        let sink = self.plain.client.copy_in(statement).await;
        Ok(CopyIn {
            sink: Box::pin(sink.map_err(|error| statement_error(&error))?),
        })
    }
}

impl Plain {
    async fn run_all(&self, statements: &str) -> Result<(), DbError> {
        let sent = self.client.batch_execute(statements).await;
        sent.map_err(|error| statement_error(&error))
    }
}

impl CopyIn {
    /// Sends some bytes, which need not end with a row. Waits while the server is behind.
    ///
    /// # Errors
    ///
    /// That the connection is lost. What the server thinks of the rows is told by [`finish`](CopyIn::finish).
    pub async fn send(&mut self, mut rows: Bytes) -> Result<(), DbError> {
        while !rows.is_empty() {
            let message = rows.split_to(rows.len().min(MESSAGE_BYTES));
            self.sink
                .send(message)
                .await
                .map_err(|error| statement_error(&error))?;
        }
        Ok(())
    }

    /// Ends the copy, and gives the number of its rows.
    ///
    /// # Errors
    ///
    /// What the server said to the rows.
    pub async fn finish(mut self) -> Result<u64, DbError> {
        self.sink
            .as_mut()
            .finish()
            .await
            .map_err(|error| statement_error(&error))
    }
}
