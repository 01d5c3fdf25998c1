//! The world around a function outside of a component: for tests.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use db::{DbError, SafeUrl};

use crate::SendError;
use crate::host::Host;

type Receiver = Box<dyn Fn(http::Request<String>) -> Result<http::Response<String>, SendError> + Send + Sync>;

/// Variables and memory in maps, real PostgreSQL, and a receiver that stands in for other servers.
#[derive(Default)]
pub struct NativeHost {
    variables: BTreeMap<String, String>,
    receiver: Option<Receiver>,
    memory: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl NativeHost {
    /// Sets a variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> NativeHost {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets the variables of the monitoring database to what an address with a login says.
    #[must_use]
    pub fn monitoring(self, url: &str) -> NativeHost {
        let Ok(url) = url.parse::<SafeUrl>() else {
            return self.variable("monitoring_url", url);
        };
        self.variable("monitoring_url", &url.without_login())
            .variable("monitoring_login", &url.user())
            .variable("monitoring_password", url.expose_password().unwrap_or("none"))
    }

    /// Answers what is sent.
    #[must_use]
    pub fn receiver(
        mut self,
        receiver: impl Fn(http::Request<String>) -> Result<http::Response<String>, SendError>
        + Send
        + Sync
        + 'static,
    ) -> NativeHost {
        self.receiver = Some(Box::new(receiver));
        self
    }

    fn memory(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for NativeHost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values may be secrets.
        formatter
            .debug_struct("NativeHost")
            .field("variables", &self.variables.keys())
            .finish_non_exhaustive()
    }
}

impl Host for NativeHost {
    type Client = db::Connection;

    async fn variable(&self, name: &str) -> Result<Option<String>, String> {
        Ok(self.variables.get(name).cloned())
    }

    async fn connect(&self, url: &SafeUrl) -> Result<db::Connection, DbError> {
        db::connect(url).await
    }

    async fn recall(&self, key: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(self.memory().get(key).cloned())
    }

    async fn remember(&self, key: &str, value: &[u8]) -> Result<(), String> {
        self.memory().insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    async fn forget(&self, key: &str) -> Result<(), String> {
        self.memory().remove(key);
        Ok(())
    }

    async fn send(&self, request: http::Request<String>) -> Result<http::Response<String>, SendError> {
        match &self.receiver {
            Some(receiver) => receiver(request),
            None => Err(SendError::new(
                "not_permitted",
                "no receiver was given to this host",
            )),
        }
    }
}
