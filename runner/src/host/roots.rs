//! Whom a component trusts when it opens a TLS connection.

use std::sync::Arc;

use dial::Trust;
use rustls::ClientConfig;

/// The configuration of a client that trusts the roots of the web and those installed on this machine.
pub(crate) fn default_client() -> Arc<ClientConfig> {
    Trust::of_machine().client()
}
