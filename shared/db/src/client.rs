//! The door itself.

use crate::error::DbError;
use crate::row::Rows;
use crate::value::Value;

/// A connection to PostgreSQL, by whichever way it is had.
///
/// Parameters are written `$1`, `$2`, ... and always have the type of their [`Value`]; see the crate's first page.
#[expect(
    async_fn_in_trait,
    reason = "a component has one thread, so that its futures need not be sent to another; natively they are awaited \
              where they are made"
)]
pub trait Client {
    /// Runs a statement that gives rows.
    ///
    /// # Errors
    ///
    /// What the server or the connection said. See [`ErrorKind`](crate::ErrorKind).
    async fn query(&self, sql: &str, parameters: &[Value]) -> Result<Rows, DbError>;

    /// Runs a statement and gives the number of rows it touched.
    ///
    /// # Errors
    ///
    /// What the server or the connection said. See [`ErrorKind`](crate::ErrorKind).
    async fn execute(&self, sql: &str, parameters: &[Value]) -> Result<u64, DbError>;
}

impl<C: Client> Client for &C {
    async fn query(&self, sql: &str, parameters: &[Value]) -> Result<Rows, DbError> {
        C::query(self, sql, parameters).await
    }

    async fn execute(&self, sql: &str, parameters: &[Value]) -> Result<u64, DbError> {
        C::execute(self, sql, parameters).await
    }
}
