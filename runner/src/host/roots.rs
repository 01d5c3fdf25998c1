//! Whom a component trusts when it opens a TLS connection.

use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

/// The configuration of a client that trusts the roots of the web and those installed on this machine.
///
/// Read once: reading the store of the machine takes tens of milliseconds.
pub(crate) fn default_client() -> Arc<ClientConfig> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    Arc::clone(CONFIG.get_or_init(|| {
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        let found = rustls_native_certs::load_native_certs();
        for error in found.errors {
            tracing::debug!(%error, "Could not read a certificate store of this machine.");
        }
        roots.add_parsable_certificates(found.certs);
        Arc::new(client(roots))
    }))
}

/// The configuration of a client that trusts, beside the usual roots, those in `pem`.
pub(crate) fn client_with_root(pem: &str) -> anyhow::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let mut any = false;
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        roots
            .add(certificate.context("invalid root certificate")?)
            .context("invalid root certificate")?;
        any = true;
    }
    anyhow::ensure!(any, "invalid root certificate: no certificate in PEM form");
    Ok(Arc::new(client(roots)))
}

fn client(roots: RootCertStore) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_root_certificates(roots).with_no_client_auth())
        .unwrap_or_else(|error| unreachable!("the provider supports the default versions: {error}"))
}
