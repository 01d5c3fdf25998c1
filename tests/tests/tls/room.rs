//! A server with TLS, and the ways to it.

use db::{Certificates, DbError, SafeUrl, connect};
use dial::Link;
use integration_tests::DedicatedServer;
use integration_tests::certificates::{CertificateAuthority, Identity, encrypt};
use integration_tests::monitored::{COLLECTOR_PASSWORD, admit};

/// A server whose certificate is signed by an authority of its own.
pub(crate) struct Room {
    pub(crate) server: DedicatedServer,
    pub(crate) authority: CertificateAuthority,
}

impl Room {
    /// Of the newest version, with a certificate for `localhost` and `127.0.0.1`.
    pub(crate) async fn new(version: u32) -> Room {
        let authority = CertificateAuthority::new("Authority of the tests").unwrap();
        let room = Room {
            server: DedicatedServer::start(version).await.unwrap(),
            authority,
        };
        admit(&plain(&room.server)).await.unwrap();
        room.show(&room.authority.sign(&["localhost", "127.0.0.1"]).unwrap())
            .await;
        room
    }

    /// Lets the server have another certificate.
    pub(crate) async fn show(&self, identity: &Identity) {
        encrypt(&self.server, identity).await.unwrap();
    }

    /// The collector's address with what follows the `?`.
    pub(crate) fn address(&self, host: &str, query: &str) -> String {
        address(&self.server, host, query)
    }

    /// Connects as the command does.
    pub(crate) async fn connect(&self, query: &str, certificates: &str) -> Result<Link, DbError> {
        self.connect_to("localhost", query, certificates).await
    }

    pub(crate) async fn connect_to(
        &self,
        host: &str,
        query: &str,
        certificates: &str,
    ) -> Result<Link, DbError> {
        dialled(&self.address(host, query), certificates).await
    }
}

/// The collector's address on a server.
pub(crate) fn address(server: &DedicatedServer, host: &str, query: &str) -> String {
    let port = server.port();
    format!("postgres://pgvitals_collector:{COLLECTOR_PASSWORD}@{host}:{port}/postgres{query}")
}

/// The superuser's address, without TLS.
pub(crate) fn plain(server: &DedicatedServer) -> String {
    format!("{}?sslmode=disable", server.url("postgres"))
}

/// Connects as the command does, with these authorities beside those of the machine.
pub(crate) async fn dialled(address: &str, certificates: &str) -> Result<Link, DbError> {
    let mut url: SafeUrl = address.parse().unwrap();
    if !certificates.is_empty() {
        url = url.with_certificates(certificates.parse::<Certificates>().unwrap());
    }
    Ok(connect(&url).await?.link().unwrap())
}
