//! Whose certificates are accepted.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::verifier::Verifier;

/// A certificate in which an operator trusts beside those of the machine.
#[derive(Clone, PartialEq, Eq)]
pub struct Authority(CertificateDer<'static>);

/// A text that is no certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid root certificate: {0}")]
pub struct AuthorityError(String);

impl Authority {
    /// Reads the first certificate of a text in PEM form; hosts of components leave out any others too.
    ///
    /// # Errors
    ///
    /// There is no certificate in it, or one that cannot be read.
    pub fn from_pem(text: &str) -> Result<Authority, AuthorityError> {
        let certificate = CertificateDer::from_pem_slice(text.as_bytes())
            .map_err(|error| AuthorityError(format!("no certificate in PEM form ({error})")))?;
        webpki::anchor_from_trusted_cert(&certificate).map_err(|error| AuthorityError(error.to_string()))?;
        Ok(Authority(certificate))
    }

    /// Whether it is signed by itself. One that is signed by another is no root: OpenSSL, and so Spin, trusts nothing
    /// because of it, and neither does this.
    pub fn is_root(&self) -> bool {
        // What is too old to have extensions is not read here; of those only roots are trusted at all.
        webpki::EndEntityCert::try_from(&self.0)
            .map_or(true, |certificate| certificate.issuer() == certificate.subject())
    }

    /// Whether a server's certificate, with those that it sent along, is accepted because of this authority.
    pub fn vouches_for(&self, chain: &[CertificateDer<'static>]) -> bool {
        let mut roots = RootCertStore::empty();
        if !self.is_root() || roots.add(self.0.clone()).is_err() {
            return false;
        }
        let Some((server, others)) = chain.split_first() else {
            return false;
        };
        if *server == self.0 {
            return true;
        }
        let now = rustls_pki_types::UnixTime::now();
        let algorithms = provider().signature_verification_algorithms.all;
        rustls::server::ParsedCertificate::try_from(server).is_ok_and(|server| {
            rustls::client::verify_server_cert_signed_by_trust_anchor(
                &server, &roots, others, now, algorithms,
            )
            .is_ok()
        })
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Authority({} bytes)", self.0.len())
    }
}

/// The authorities whose certificates are accepted, as a configuration of TLS.
///
/// It is made with the first connection that is encrypted: reading the store of the machine takes tens of milliseconds.
#[derive(Debug, Clone)]
pub struct Trust {
    authority: Option<Authority>,
    config: Arc<OnceLock<Arc<ClientConfig>>>,
}

impl Trust {
    /// Those of the web and of this machine.
    pub fn of_machine() -> Trust {
        static TRUST: OnceLock<Trust> = OnceLock::new();
        TRUST.get_or_init(|| Trust::new(None)).clone()
    }

    /// Those of the web and of this machine, and one more.
    pub fn with_authority(authority: Authority) -> Trust {
        Trust::new(Some(authority))
    }

    fn new(authority: Option<Authority>) -> Trust {
        Trust {
            authority,
            config: Arc::default(),
        }
    }

    /// The configuration, for connections of any protocol.
    pub fn client(&self) -> Arc<ClientConfig> {
        Arc::clone(self.config.get_or_init(|| Arc::new(self.make())))
    }

    fn make(&self) -> ClientConfig {
        let mut roots = machine().clone();
        let authority = self.authority.as_ref();
        // What an `Authority` holds was read as one before.
        roots.add_parsable_certificates(
            authority
                .filter(|authority| authority.is_root())
                .map(|authority| authority.0.clone()),
        );
        let authority = authority.map(|authority| authority.0.clone());
        let provider = provider();
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .unwrap_or_else(|error| unreachable!("the roots of the web are among them: {error}"));
        ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap_or_else(|error| unreachable!("the provider supports the default versions: {error}"))
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Verifier::new(verifier, authority)))
            .with_no_client_auth()
    }
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(ring::default_provider())))
}

fn machine() -> &'static RootCertStore {
    static ROOTS: OnceLock<RootCertStore> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        // A store that cannot be read is one whose certificates are not trusted, which says so with the first of them.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots
    })
}
