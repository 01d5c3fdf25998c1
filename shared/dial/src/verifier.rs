//! How a server's certificate is judged.
//!
//! As `webpki` does, but for two kinds of certificates that the manual of PostgreSQL teaches people to make, and that
//! OpenSSL, and so `psql` and Spin, accept: a server's own certificate that is its own authority, and one that has its
//! name in its subject alone.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::der::element;

#[derive(Debug)]
pub(crate) struct Verifier {
    usual: Arc<WebPkiServerVerifier>,
    /// The certificate that an operator gave.
    authority: Option<CertificateDer<'static>>,
}

impl Verifier {
    pub(crate) fn new(usual: Arc<WebPkiServerVerifier>, authority: Option<CertificateDer<'static>>) -> Self {
        Self { usual, authority }
    }

    /// Whether the server's certificate is the very one that the operator gave, and was refused for being an authority.
    /// When it ends was looked at before that.
    fn is_its_own_authority(&self, certificate: &CertificateDer<'_>, error: &CertificateError) -> bool {
        let CertificateError::Other(other) = error else {
            return false;
        };
        let refusal = other.0.downcast_ref::<webpki::Error>();
        self.authority.as_ref() == Some(certificate) && refusal == Some(&webpki::Error::CaUsedAsEndEntity)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let usual = self
            .usual
            .verify_server_cert(certificate, intermediates, name, ocsp_response, now);
        let error = match usual {
            Err(Error::InvalidCertificate(error)) => error,
            outcome => return outcome,
        };
        let named = if self.is_its_own_authority(certificate, &error) {
            rustls::client::verify_server_name(&ParsedCertificate::try_from(certificate)?, name)
        } else {
            Err(Error::InvalidCertificate(error))
        };
        match named {
            // The name is looked at last: all else was found to be right.
            Err(Error::InvalidCertificate(error))
                if is_for_other_name(&error) && is_common_name(certificate, name) =>
            {
                Ok(ServerCertVerified::assertion())
            }
            outcome => outcome.map(|()| ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.usual.root_hint_subjects()
    }
}

fn is_for_other_name(error: &CertificateError) -> bool {
    matches!(
        error,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
    )
}

/// Whether a certificate without any alternative name has this one as the common name of its subject. As in OpenSSL that
/// counts for names only, not for numbers, and without wildcards.
fn is_common_name(certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    let ServerName::DnsName(name) = name else {
        return false;
    };
    let Ok(certificate) = webpki::EndEntityCert::try_from(certificate) else {
        return false;
    };
    certificate.valid_dns_names().next().is_none()
        && common_name(certificate.subject()).is_some_and(|common| common.eq_ignore_ascii_case(name.as_ref()))
}

/// The object identifier of a common name, 2.5.4.3, in DER.
const COMMON_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];

/// The last common name in the parts of a subject, which are in DER: `set(sequence(identifier, text))` one after the
/// other.
fn common_name(subject: &[u8]) -> Option<&str> {
    let mut found = None;
    let mut rest = subject;
    while let Some((part, after)) = element(rest) {
        rest = after;
        let value = element(part)
            .and_then(|(pair, _)| pair.strip_prefix(&COMMON_NAME))
            .and_then(element);
        if let Some((value, _)) = value {
            found = std::str::from_utf8(value).ok();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `set(sequence(identifier, text))`.
    fn part(identifier: u8, text: &str) -> Vec<u8> {
        let length = u8::try_from(text.len()).unwrap();
        let mut pair = vec![0x06, 0x03, 0x55, 0x04, identifier, 0x0c, length];
        pair.extend(text.as_bytes());
        let mut sequence = vec![0x30, u8::try_from(pair.len()).unwrap()];
        sequence.extend(pair);
        let mut set = vec![0x31, u8::try_from(sequence.len()).unwrap()];
        set.extend(sequence);
        set
    }

    #[test]
    fn the_common_name_is_found_among_the_parts_of_a_subject() {
        let subject = [part(10, "Example"), part(3, "db.example.com"), part(11, "Unit")].concat();
        assert_eq!(common_name(&subject), Some("db.example.com"));
        assert_eq!(common_name(&part(10, "db.example.com")), None);
    }

    #[test]
    fn what_is_cut_off_has_no_name() {
        let subject = part(3, "db.example.com");
        for length in 0..subject.len() {
            assert_eq!(common_name(&subject[..length]), None, "{length} bytes");
        }
    }
}
