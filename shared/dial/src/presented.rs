//! The certificates that a server shows.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::tls::is_offered;
use crate::trust::provider;

/// Returns the certificate of a server and those that it sends along. Nothing is sent to it: the handshake ends when they
/// are there, whoever signed them.
///
/// # Errors
///
/// The server cannot be reached, or has no TLS.
pub async fn presented(host: &str, port: u16) -> io::Result<Vec<CertificateDer<'static>>> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let mut stream = TcpStream::connect((host, port)).await?;
    if !is_offered(&mut stream).await? {
        return Err(io::Error::other("the server does not support TLS"));
    }
    let chain = Arc::new(Chain::default());
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&chain) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let connector = TlsConnector::from(Arc::new(config));
    let refused = connector.connect(name, stream).await.err();
    let certificates = std::mem::take(&mut *chain.0.lock().unwrap_or_else(PoisonError::into_inner));
    match refused {
        Some(error) if certificates.is_empty() => Err(error),
        _ => Ok(certificates),
    }
}

/// Keeps what it is shown, and accepts nothing.
#[derive(Debug, Default)]
struct Chain(Mutex<Vec<CertificateDer<'static>>>);

impl ServerCertVerifier for Chain {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = [certificate].into_iter().chain(intermediates);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = shown
            .map(|certificate| certificate.clone().into_owned())
            .collect();
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
