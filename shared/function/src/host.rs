//! What a function needs of the world around it.
//!
//! In a component this is `SpinHost`; natively it is [`NativeHost`](crate::native::NativeHost). Functions are written
//! against the trait, so that the same code runs in both.

use db::{Console, DbError, SafeUrl};

use crate::SendError;

/// The world around a function.
#[expect(
    async_fn_in_trait,
    reason = "a component has one thread, so that its futures need not be sent to another; natively they are awaited \
              where they are made"
)]
pub trait Host {
    /// A connection to PostgreSQL.
    type Client: db::Client;

    /// The value of a variable, `None` when it is not defined.
    ///
    /// # Errors
    ///
    /// Why the variable cannot be read.
    async fn variable(&self, name: &str) -> Result<Option<String>, String>;

    /// Opens a connection.
    ///
    /// # Errors
    ///
    /// What kept the connection from being made.
    async fn connect(&self, url: &SafeUrl) -> Result<Self::Client, DbError>;

    /// Opens a connection to the console of a PgBouncer.
    ///
    /// # Errors
    ///
    /// What kept the connection from being made.
    async fn console(&self, url: &SafeUrl) -> Result<Console, DbError> {
        Console::open(url).await
    }

    /// What was remembered under a key, beside the database and from one run to the next.
    ///
    /// # Errors
    ///
    /// Why nothing can be remembered here.
    async fn recall(&self, key: &str) -> Result<Option<Vec<u8>>, String>;

    /// Remembers something under a key.
    ///
    /// # Errors
    ///
    /// Why nothing can be remembered here.
    async fn remember(&self, key: &str, value: &[u8]) -> Result<(), String>;

    /// Forgets what was remembered under a key.
    ///
    /// # Errors
    ///
    /// Why nothing can be remembered here.
    async fn forget(&self, key: &str) -> Result<(), String>;

    /// Sends a request to another server and waits for its whole answer, of which only the beginning is kept.
    ///
    /// # Errors
    ///
    /// What kept the request from being answered. An answer with an error status is an answer.
    async fn send(&self, request: http::Request<String>) -> Result<http::Response<String>, SendError>;
}
